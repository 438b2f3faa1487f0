/** How the dashboard is built; `npm run dev` serves it with the gateway of a running stack behind it. */

import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

const gateway = loadEnv("development", ".", "GATEWAY").GATEWAY ?? "http://127.0.0.1:4200";
const behind = ["/api", "/events", "/like", "/posts", "/ready", "/openapi.json", "/asyncapi.json"];

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", assetsInlineLimit: 0, reportCompressedSize: true },
  server: {
    proxy: {
      ...Object.fromEntries(behind.map((path) => [path, gateway])),
      "/ws": { target: gateway, ws: true },
    },
  },
});
