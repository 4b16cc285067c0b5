// The browser tests: one worker, one Chromium, one server that most of them share. scripts/test-browser builds what they need.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: 'e2e',
  cacheDir: '../node_modules/.vite-e2e',
  test: {
    include: process.env.TAKE_PICTURES === undefined ? ['*.test.ts'] : ['pictures.ts'],
    environment: 'node',
    globalSetup: ['harness/global.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    bail: 0,
  },
});
