import { fileURLToPath } from "node:url"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vitest/config"

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/canarium/web/static",
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page allows scripts and fonts of files only, nothing inline.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": "http://127.0.0.1:30101" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
})
