-- wrk's side of gateway_bench.load. Arguments: method, path, body, file of ids, file of credentials, prefix of the
-- idempotency keys; "-" where there is none. "{id}" in path and body stands for the next id.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function given(text)
  return text ~= "-" and text or nil
end

local function split(text)
  if not text then return nil end
  local from, to = text:find("{id}", 1, true)
  if not from then return { text } end
  return { text:sub(1, from - 1), text:sub(to + 1) }
end

local function fill(parts, id)
  return parts and (parts[2] and parts[1] .. id .. parts[2] or parts[1])
end

function init(arguments)
  method = arguments[1]
  path, body = split(arguments[2]), split(given(arguments[3]))
  prefix = given(arguments[6])
  ids, credentials = nil, {}
  if given(arguments[4]) then
    ids = {}
    for line in io.lines(arguments[4]) do ids[#ids + 1] = line end
  end
  for line in io.lines(arguments[5]) do
    local key, secret = line:match("(%S+) (%S+)")
    local headers = { ["X-Api-Key"] = key, ["X-Api-Secret"] = secret }
    if body then headers["Content-Type"] = "application/json" end
    credentials[#credentials + 1] = headers
  end
  sent, bad, example = 0, 0, ""
end

function request()
  sent = sent + 1
  local id = ids and ids[(sent - 1) % #ids + 1]
  local headers = credentials[(sent - 1) % #credentials + 1]
  if prefix then headers["Idempotency-Key"] = prefix .. sent end
  return wrk.format(method, fill(path, id), headers, fill(body, id))
end

function response(status, _, text)
  if status < 200 or status > 299 then
    bad = bad + 1
    example = status .. " " .. text:sub(1, 200)
  end
end

function done(summary, latency)
  local all_sent, all_bad, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    all_sent = all_sent + thread:get("sent")
    all_bad = all_bad + thread:get("bad")
    first = thread:get("example")
  end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    "\nRESULT %d %d %d %d %d %.1f %.1f %.1f %s\n",
    summary.requests, summary.duration, all_sent, all_bad, broken,
    latency:percentile(50), latency:percentile(99), latency.max, first))
end
