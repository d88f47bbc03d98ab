// The version rule: an older version never takes the place of a newer one, by any writer and in any order.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryStore, type Entry } from '../../src/cache/memory-store.ts';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { createRedisStore } from '../../src/cache/redis-store.ts';
import { systemClock } from '../../src/clock.ts';
import { connectRedis } from '../../src/redis/connect.ts';
import { startRedis } from '../support/redis.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);

type Store = {
  write(key: string, entry: Entry<string>): unknown;
  read(key: string): Promise<Entry<string> | undefined>;
};

let server: Awaited<ReturnType<typeof startRedis>>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.close());

async function openRedisStore(): Promise<Store> {
  const redis = await connectRedis({ nodes: [new URL(server.url)] });
  const link = createRedisLink({ redis, clock: systemClock, timeoutMs: 5000, onChange() {} });
  onTestFinished(() => link.close());
  const tier = createRedisStore<string>(
    { link, prefix: `versions-test:${process.pid}` },
    {
      kind: 'text',
      clock: systemClock,
      lifetimes: { freshMs: DAY_MS, webhookFreshMs: DAY_MS, staleMs: DAY_MS },
      encode: (value) => value,
      decode: (text) => text,
    },
  );
  return {
    write: (key, entry) => tier.write(key, '', entry),
    read: async (key) => (await tier.read(key))?.entry,
  };
}

const KEPT = { freshUntil: 0, webhookFreshUntil: 0, generation: null, verifiedSequence: 0, failure: null, retryAt: 0 };

function openMemoryStore(): Store {
  const tier = createMemoryStore<string>({ maxBytes: 1e6, sizeOf: () => 10 });
  return { write: (key, entry) => tier.set(key, { ...entry, ...KEPT }), read: async (key) => tier.get(key) };
}

const entry = (version: number | null, readAt: number): Entry<string> => ({
  value: `version ${version} read at ${readAt}`,
  version,
  readAt: START + readAt,
});
const readAt = fc.integer({ min: 0, max: 5 });
const versioned = fc.tuple(fc.integer({ min: 0, max: 9 }), readAt).map(([version, at]) => entry(version, at));
const any = fc.tuple(fc.option(fc.integer({ min: 0, max: 9 })), readAt).map(([version, at]) => entry(version, at));

let keys = 0;

describe.each([
  ['memory', async () => [openMemoryStore()]],
  ['Redis, written by three replicas', () => Promise.all([openRedisStore(), openRedisStore(), openRedisStore()])],
] as const)('in %s', (_tier, open) => {
  test('whatever writes race, the newest version stays', async () => {
    const stores = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(versioned, { minLength: 2, maxLength: 12 }), async (entries) => {
        const key = `key ${keys++}`;
        await Promise.all(entries.map((entry, n) => stores[n % stores.length]?.write(key, entry)));
        const newest = Math.max(...entries.map(({ version }) => version ?? 0));
        expect((await stores[0]?.read(key))?.version).toBe(newest);
      }),
      { numRuns: 300 },
    );
  });

  test('a version never goes back, is never lost, and is inherited by a later read that brings none', async () => {
    const stores = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 2, maxLength: 12 }), async (entries) => {
        const key = `key ${keys++}`;
        for (const [n, next] of entries.entries()) {
          const known = await stores[n % stores.length]?.read(key);
          await stores[(n + 1) % stores.length]?.write(key, next);
          const kept = await stores[(n + 2) % stores.length]?.read(key);
          expect(kept?.version ?? -1).toBeGreaterThanOrEqual(known?.version ?? -1);
          if (next.version === null && known && next.readAt >= known.readAt)
            expect(kept).toMatchObject({ value: next.value, version: known.version });
        }
      }),
      { numRuns: 300 },
    );
  });
});
