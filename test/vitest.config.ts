import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

// One copy of graphql: Yoga and Pothos load its CommonJS build, so tests must not load the ESM one beside it.
const graphql = fileURLToPath(import.meta.resolve('graphql'));

// It measures the heap of its process, which other files' garbage would disturb.
const HEAP = 'test/cache/memory.test.ts';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { alias: [{ find: /^graphql$/, replacement: graphql }] },
  test: {
    setupFiles: ['test/support/random-cases.ts'],
    pool: 'forks',
    // Many tests wait for processes of their own, so that one worker for each core leaves cores idle.
    maxWorkers: 3,
    // Files share the modules that their worker has loaded, and its compiled code: a third of the time.
    isolate: false,
    testTimeout: 60_000,
    // Real Redis servers that are killed, and clocks that jump while commands are under way, depend on the machine's load.
    retry: 1,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    sequence: { shuffle: true },
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, HEAP] },
      },
      { extends: true, test: { name: 'alone', include: [HEAP], isolate: true } },
    ],
  },
});
