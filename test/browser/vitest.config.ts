// Apart from the other tests, since these need a Chromium.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/browser/**/*.browser.ts'],
    // A page that loads leaves a core idle.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    sequence: { shuffle: true },
  },
});
