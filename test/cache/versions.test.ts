// The version rule: where a newer version was seen, an older one never takes its place, by any read and in any order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryStore, type Entry } from '../../src/cache/memory-store.ts';
import { callAt, createService, named, type Source } from '../follow/service.ts';
import { createRunningClock } from '../support/clock.ts';
import { linkTo, startRedis } from '../support/redis.ts';

const SEQUENCES = { verifiedSequence: 0, lookedUpSequence: 0 };
const KEPT = { freshUntil: 0, webhookFreshUntil: 0, generation: null, ...SEQUENCES, failure: null, retryAt: 0 };

function openMemory() {
  const store = createMemoryStore<string>({ maxBytes: 1e6, sizeOf: () => 10 });
  const write = (entry: Entry<string>) => store.set('key', { ...entry, ...KEPT });
  return { write, read: () => store.get('key') };
}

const entry = (version: number | null, readAt: number): Entry<string> => ({
  value: `version ${version} read at ${readAt}`,
  ...{ version, readAt },
});
const version = fc.integer({ min: 0, max: 9 });
const readAt = fc.integer({ min: 0, max: 5 });
const versioned = fc.tuple(version, readAt).map((parts) => entry(...parts));
const any = fc.tuple(fc.option(version), readAt).map((parts) => entry(...parts));
const some = { minLength: 2, maxLength: 12 };

test('in memory the newest version stays, in whatever order versions come', () => {
  const newestStays = fc.property(fc.array(versioned, some), (entries) => {
    const { write, read } = openMemory();
    entries.forEach(write);
    expect(read()?.version).toBe(Math.max(...entries.map(({ version }) => version ?? 0)));
  });
  fc.assert(newestStays, { numRuns: 300 });
});

test('in memory a version is never lost, and is inherited by a later read that brings none', () => {
  const isInherited = fc.property(fc.array(any, some), (entries) => {
    const { write, read } = openMemory();
    for (const next of entries) {
      const known = read();
      write(next);
      const kept = read();
      expect(kept?.version ?? -1).toBeGreaterThanOrEqual(known?.version ?? -1);
      if (next.version === null && known && next.readAt >= known.readAt)
        expect(kept).toMatchObject({ value: next.value, version: known.version });
    }
  });
  fc.assert(isInherited, { numRuns: 300 });
});

const FRESH_MS = 1000;
const LIFETIMES = { freshMs: FRESH_MS, webhookFreshMs: FRESH_MS, staleMs: 2 * FRESH_MS };

/** Reads that run at once, the versions that the upstream answers them with, and the time that passes before. */
const round = fc.record({
  reads: fc.array(fc.record({ replica: fc.nat(1), isPage: fc.boolean() }), { minLength: 1, maxLength: 4 }),
  versions: fc.array(version, { minLength: 4, maxLength: 4 }),
  passMs: fc.constantFrom(0, 0.6 * FRESH_MS, 1.1 * FRESH_MS, 2.1 * FRESH_MS),
});

test('a replica that has shown a version of a profile never shows an older one, whatever others write to Redis', async () => {
  const { url } = await startRedis();
  const clock = createRunningClock();
  let versions: number[] = [];
  // An upstream whose servers are behind each other.
  const profile = () => {
    const version = versions.pop() ?? 0;
    return named(String(version), version);
  };
  const source: Source = {
    readProfiles: async (ids) => new Map(ids.map((id) => [id, profile()])),
    readPage: async ({ userId: id }) => ({ next: '', entries: [{ user: { id, profile: profile() }, followedAt: 0 }] }),
  };
  async function open() {
    const { link } = await linkTo(url, clock);
    const service = createService(source, { clock, lifetimes: LIFETIMES, redis: { link, prefix: 'versions-test' } });
    await service.ready();
    return service;
  }
  const replicas = [await open(), await open()];
  let users = 0;

  const neverGoesBack = fc.asyncProperty(fc.array(round, some), async (rounds) => {
    const userId = `user_${users++}`;
    const page = { userId, list: 'fans', start: '', size: 100 } as const;
    const shown = [0, 0];
    for (const { reads, passMs, ...round } of rounds) {
      clock.advance(passMs);
      versions = [...round.versions];
      const before = [...shown];
      const answers = reads.map(async ({ replica, isPage }) => {
        const service = replicas[replica] as (typeof replicas)[number];
        // A page brings its members' profiles along.
        const read = isPage
          ? (await service.readPage(page, callAt(clock))).entries[0]?.user.profile
          : await service.readProfile(userId, callAt(clock));
        // One that is not known yet is asked for by the field that shows it.
        const version = read?.version ?? before[replica] ?? 0;
        expect(version).toBeGreaterThanOrEqual(before[replica] ?? 0);
        shown[replica] = Math.max(shown[replica] ?? 0, version);
      });
      await Promise.all(answers);
    }
  });
  await fc.assert(neverGoesBack, { numRuns: 200 });
});

test('a read that newer versions have overtaken is answered by the newest', async () => {
  const clock = createRunningClock();
  const late = Promise.withResolvers<void>();
  const versions = [1, 2];
  const source: Source = {
    readProfiles: async (ids) => late.promise.then(() => new Map(ids.map((id) => [id, named('0', 0)]))),
    async readPage({ userId: id }) {
      const version = versions.shift() ?? 0;
      return { next: '', entries: [{ user: { id, profile: named(String(version), version) }, followedAt: 0 }] };
    },
  };
  const service = createService(source, { clock, lifetimes: { ...LIFETIMES, freshMs: 3_600_000 } });
  const read = service.readProfile('anna', callAt(clock));
  for (const size of [100, 200])
    await service.readPage({ userId: 'anna', list: 'fans', start: '', size }, callAt(clock));
  late.resolve();
  expect((await read).version).toBe(2);
});
