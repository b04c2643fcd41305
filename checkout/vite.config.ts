import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Page, script and style together; a phone on a slow network is a customer too. */
const COMPRESSED_LIMIT_BYTES = 60 * 1024;

const SDK_FILES = ["checkout.js", "gateway.js"];

/** Merchants load the SDK from the checkout's server, so its files are part of what that server serves. */
function serveSdk(): Plugin {
  return {
    name: "serve-sdk",
    apply: "build",
    buildStart() {
      for (const fileName of SDK_FILES) {
        const built = new URL(`../sdk/dist/${fileName}`, import.meta.url);
        this.emitFile({ type: "asset", fileName, source: readFileSync(built) });
      }
    },
  };
}

function limitSize(): Plugin {
  return {
    name: "limit-size",
    apply: "build",
    writeBundle(_options, bundle) {
      let compressedBytes = 0;
      for (const output of Object.values(bundle)) {
        if (SDK_FILES.includes(output.fileName)) continue;
        compressedBytes += gzipSync(output.type === "chunk" ? output.code : output.source, { level: 9 }).length;
      }
      console.log(`checkout page with script and style: ${compressedBytes} bytes compressed`);
      if (compressedBytes > COMPRESSED_LIMIT_BYTES) {
        this.error(`the checkout is ${compressedBytes} bytes compressed, more than the ${COMPRESSED_LIMIT_BYTES} allowed`);
      }
    },
  };
}

export default defineConfig({
  plugins: [serveSdk(), limitSize()],
  build: {
    target: "es2022",
    modulePreload: false,
    // An inlined image would be a data: address inside the style sheet; files keep the policy plain.
    assetsInlineLimit: 0,
    rolldownOptions: { input: "checkout.html" },
  },
  server: {
    proxy: { "/api": `http://127.0.0.1:${process.env.GATEWAY_API_PORT ?? 8000}` },
  },
});
