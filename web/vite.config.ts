// Builds the admin web app into dist/admin: index.html and assets/, no inline script and no inline style, as the content policy of the server
// demands. In development `npm run dev` serves it and passes the API through to a running server.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const SERVER = 'http://127.0.0.1:8081';

export default defineConfig({
  root: 'admin',
  cacheDir: '../node_modules/.vite',
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: '../dist/admin',
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // light-dark() as it is written: the tokens are shared with a page that is not built.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    chunkSizeWarningLimit: 800,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { '/api': { target: SERVER, ws: true, changeOrigin: true }, '/debug': SERVER, '/metrics': SERVER } },
  // The tests share nothing but pure functions: one process is the fastest.
  test: { include: ['src/**/*.test.ts'], environment: 'node', pool: 'threads', isolate: false, fileParallelism: false },
});
