/**
 * Builds the two files for script tags, the ES module for bundlers and the types, and prints what a merchant puts into the
 * `integrity` attribute. A file over its limit fails the build.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const COMPRESSED_LIMIT_BYTES = 8 * 1024;

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const OUTPUTS = [
  { entry: "src/checkout.script.ts", file: "checkout.js", format: "iife" },
  { entry: "src/gateway.script.ts", file: "gateway.js", format: "iife" },
  { entry: "src/index.ts", file: "index.js", format: "es" },
];

for (const [position, { entry, file, format }] of OUTPUTS.entries()) {
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    build: {
      target: "es2022",
      emptyOutDir: position === 0,
      lib: { entry: join(root, entry), formats: [format], name: "PaymentGatewaySdk", fileName: () => file },
    },
  });
}

const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
execFileSync(process.execPath, [compiler, "-p", "tsconfig.types.json"], { cwd: root, stdio: "inherit" });

for (const { file } of OUTPUTS) {
  const content = readFileSync(join(root, "dist", file));
  const compressedBytes = gzipSync(content, { level: 9 }).length;
  const hash = createHash("sha384").update(content).digest("base64");
  console.log(`${file.padEnd(12)} ${String(compressedBytes).padStart(5)} bytes compressed   integrity="sha384-${hash}"`);
  if (compressedBytes > COMPRESSED_LIMIT_BYTES) {
    throw new Error(`${file} is ${compressedBytes} bytes compressed, more than the ${COMPRESSED_LIMIT_BYTES} allowed`);
  }
}
