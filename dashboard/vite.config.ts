import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  plugins: [react()],
  build: {
    // The Content-Security-Policy allows no data: addresses, so nothing may be inlined as one.
    assetsInlineLimit: 0,
    target: "es2022",
  },
  server: {
    port: 3000,
    // Development only: in every deployment nginx serves the build and forwards /api on the same origin.
    proxy: { "/api": loadEnv(mode, ".", "GATEWAY_")["GATEWAY_API_URL"] ?? "http://127.0.0.1:8000" },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
}));
