// However many different questions come, what is kept of them stays within its bounds: by its own count, and in truth.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createFollowMemory } from '../../src/follow/memory.ts';
import { UNSET_PROFILE } from '../../src/follow/model.ts';
import { createRecording, recorded } from '../../src/follow/recording.ts';
import type { FollowService } from '../../src/follow/services.ts';
import { createAnswerCache } from '../../src/operations/answer-cache.ts';
import { createTestClock } from '../support/clock.ts';
import { CALL, HEAD, openCache } from './sources.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive, once whatever an earlier test has left behind is gone. */
async function livingBytes(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const MEGABYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
const LIFETIMES = { freshMs: HOUR_MS, toldMs: HOUR_MS, usableMs: 2 * HOUR_MS, absentMs: HOUR_MS };

/** Through a buffer, as off the wire: no two share a string, and none is a rope. */
const ownText = (text: string): string => Buffer.from(text).toString();

describe('100,000 different questions', () => {
  test('take no more room than the cache has, and the youngest are the ones that are kept', () => {
    const { cache, find, keep } = openCache({ maxBytes: MEGABYTE });
    for (let n = 0; n < 100_000; n++) {
      keep(`1 {"userId":"user_${n}"}`, `{"data":${n}}`, (ask) => ask.now.counts('star', CALL));
      if (n % 1000 === 0) expect(cache.bytes().answers).toBeLessThanOrEqual(MEGABYTE);
    }
    expect(cache.bytes().answers).toBeGreaterThan(MEGABYTE * 0.9);
    expect(find('1 {"userId":"user_99999"}')).toBe('{"data":99999}');
    expect(find('1 {"userId":"user_0"}')).toBeUndefined();
  });
});

/** Estimates are no measurements. */
const SLACK = 1.25;

// The object that holds an answer's questions takes more than an entry is counted with.
test('100,000 short answers take no more memory than the cache has', async () => {
  const before = await livingBytes();
  const { cache, keep } = openCache({ maxBytes: 16 * MEGABYTE });
  for (let n = 0; n < 100_000; n++)
    keep(ownText(`1 {"userId":"user_${n}"}`), ownText(`{"data":${n}}`), (ask) => ask.isKnownMissing('star'));
  expect(cache.bytes().answers).toBeGreaterThan(16 * MEGABYTE * 0.9);
  expect((await livingBytes()) - before).toBeLessThan(16 * MEGABYTE * SLACK);
  expect(cache.find('')).toBeUndefined();
});

test('long answers take no more memory than the cache has', async () => {
  const before = await livingBytes();
  const { cache, keep } = openCache({ maxBytes: 16 * MEGABYTE });
  for (let n = 0; n < 10_000; n++)
    keep(ownText(`1 {"userId":"user_${n}"}`), ownText(`{"data":"${'x'.repeat(20_000 + n)}"}`), (ask) => {
      ask.isKnownMissing('star');
      ask.maySee('star', 'fans');
      void ask.readPage(HEAD, CALL);
      ask.now.counts('star', CALL);
    });
  expect(cache.bytes().answers).toBeGreaterThan(16 * MEGABYTE * 0.9);
  expect((await livingBytes()) - before).toBeLessThan(16 * MEGABYTE * SLACK);
  expect(cache.find('')).toBeUndefined();
});

// A letter beyond Latin-1 has a text take two bytes for each of its letters.
test('variables in any script take no more memory than the cache has', async () => {
  const before = await livingBytes();
  const { cache, keep } = openCache({ maxBytes: 16 * MEGABYTE });
  for (let n = 0; n < 1000; n++) keep(ownText(`1 {"name":"名${'x'.repeat(20_000)}${n}"}`), '{}');
  expect((await livingBytes()) - before).toBeLessThan(16 * MEGABYTE * SLACK);
  expect(cache.find('')).toBeUndefined();
});

// What an answer was made from stays alive with it, although the memory tier has let go of it long ago.
test('answers of few bytes that are cut from large pages take no more memory than both caches have', async () => {
  const unused = () => Promise.reject(new Error('not a page'));
  const follow: FollowService = {
    readPage: async ({ userId }) => ({
      entries: Array.from({ length: 100 }, (_, n) => ({
        user: {
          id: ownText(`${userId}_${n}`),
          profile: {
            ...UNSET_PROFILE,
            nick: ownText(`Nick ${n} of ${userId}`),
            customFields: [],
            items: [{ tag: 'Tag_Profile_IM_Nick', value: ownText(`Nick ${n} of ${userId}`) }],
            whole: true,
          },
        },
        followedAt: 1_700_000_000 + n,
      })),
      next: '',
    }),
    readCounts: unused,
    readRelations: unused,
    follow: unused,
    unfollow: unused,
  };
  const memory = createFollowMemory({
    follow,
    profiles: { readProfiles: unused, refusedTags: () => [], asAsked: (profile) => profile },
    clock: createTestClock(),
    memoryBytes: MEGABYTE,
    lifetimes: { page: LIFETIMES, counts: LIFETIMES, profile: LIFETIMES, relation: LIFETIMES },
    redis: null,
  });
  const maySee = () => true;
  const before = await livingBytes();
  const cache = createAnswerCache({ longest: 10_000_000, maxBytes: 4 * MEGABYTE, sources: { ...memory, maySee } });
  for (let n = 0; n < 2000; n++) {
    const query = { ...HEAD, userId: `user_${n}` };
    await memory.readPage(query, CALL);
    const recording = createRecording();
    void recorded({ ...memory, findKnownFans: unused }, recording).readPage(query, CALL);
    cache.keep(`1 {"userId":"user_${n}"}`, '{"data":null}', recording);
  }
  // Profiles that came along are remembered behind the answers.
  await new Promise((resolve) => setTimeout(resolve));
  const grown = (await livingBytes()) - before;
  expect(cache.bytes().answers).toBeLessThan(4 * MEGABYTE);
  expect(grown).toBeLessThan((MEGABYTE + 4 * MEGABYTE) * SLACK);
});
