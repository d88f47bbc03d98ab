import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// One copy of graphql: Yoga and Pothos load its CommonJS build, so tests must not load the ESM one beside it.
const graphql = fileURLToPath(import.meta.resolve('graphql'));

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { alias: [{ find: /^graphql$/, replacement: graphql }] },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/random-cases.ts'],
    pool: 'forks',
    // Many tests wait for processes of their own, so that one worker for each core leaves cores idle.
    maxWorkers: 3,
    // Files share the modules that their worker has loaded, and its compiled code: a third of the time.
    isolate: false,
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    sequence: { shuffle: true },
    unstubEnvs: true,
  },
});
