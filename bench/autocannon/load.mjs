// autocannon's side of gateway_bench.load. Arguments: URL, connections, seconds, then those of load.lua.
import { readFileSync } from 'node:fs'

import autocannon from 'autocannon'

const [url, connections, seconds, method, path, body, idsFile, credentialsFile, prefix] = process.argv.slice(2)
const given = (text) => (text === '-' ? undefined : text)
const linesOf = (file) => readFileSync(file, 'utf8').trimEnd().split('\n')
const ids = given(idsFile) ? linesOf(idsFile) : []
const credentials = linesOf(credentialsFile).map((line) => line.split(' '))
let sent = 0

function setupRequest(request) {
  const [key, secret] = credentials[sent % credentials.length]
  const id = ids[sent % ids.length]
  sent += 1
  const headers = { 'X-Api-Key': key, 'X-Api-Secret': secret }
  if (given(body)) headers['Content-Type'] = 'application/json'
  if (given(prefix)) headers['Idempotency-Key'] = prefix + sent
  return { ...request, method, path: path.replace('{id}', id), headers, body: given(body)?.replace('{id}', id) }
}

const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  timeout: 10,
  requests: [{ method, path, setupRequest }],
})
// Answers are counted as they come, and the latencies are whole milliseconds.
const microseconds = [result.latency.p50, result.latency.p99, result.latency.max].map((ms) => ms * 1000)
const broken = result.errors + result.timeouts + result.mismatches
const duration = Math.round(result.duration * 1e6)
console.log('RESULT', result['2xx'] + result.non2xx, duration, sent, result.non2xx, broken, ...microseconds)
