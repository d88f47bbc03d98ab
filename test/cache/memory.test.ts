// The memory tier keeps to its bytes, whatever passes through, and its estimates are those of the heap.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryStore, type Kept } from '../../src/cache/memory-store.ts';
import { groupOfPage, pageKey } from '../../src/follow/caches.ts';
import * as codec from '../../src/follow/codec.ts';
import type { Profile } from '../../src/follow/model.ts';
import { parseProfile } from '../../src/tencent/profile.ts';
import { heldMemory } from '../support/garbage.ts';

// What a test leaves is garbage only when its turn is over, and would be taken for what the next one frees.
beforeEach(async () => {
  await nextTurn();
  heldMemory();
});

/** What the upstream sends of somebody: little of most, much of some. */
function wireItems(n: number): { Tag: string; Value: string | number }[] {
  const items: { Tag: string; Value: string | number }[] = [{ Tag: 'Tag_Profile_IM_Nick', Value: `Nick of user ${n}` }];
  if (n % 2 === 0) items.push({ Tag: 'Tag_Profile_IM_Image', Value: `https://cdn.example/${n}/${'x'.repeat(n % 80)}` });
  if (n % 3 === 0) items.push({ Tag: 'Tag_Profile_IM_Gender', Value: 'Gender_Type_Female' });
  if (n % 5 === 0) items.push({ Tag: 'Tag_Profile_IM_SelfSignature', Value: '签名'.repeat(n % 60) });
  if (n % 7 === 0) items.push({ Tag: 'Tag_Profile_Custom_Team', Value: `team ${n}` });
  if (n % 11 === 0) items.push({ Tag: 'Tag_Profile_IM_BirthDay', Value: 19_900_101 });
  // Through JSON, as over the wire: no two share a string.
  return JSON.parse(JSON.stringify(items));
}
const parsedProfile = (n: number): Profile => parseProfile(wireItems(n), n);
const sharedProfile = (n: number): Profile => codec.profile.decode(codec.profile.encode(parsedProfile(n))) as Profile;

const parsedOnce = <V>(value: V): V => JSON.parse(JSON.stringify(value));
const pageOf = (n: number): codec.CachedPage =>
  parsedOnce({
    ids: Array.from({ length: n % 41 }, (_, i) => `user_${n}_${i}`),
    times: Array.from({ length: n % 41 }, (_, i) => 1_700_000_000 + i),
    next: n % 2 === 0 ? '' : `cursor-${n}`,
    count: n,
  });

function kept<V>(value: V | null, n: number): Kept<V> {
  const readAt = 1_795_000_000_000 + n;
  const times = { readAt, freshUntil: readAt + 30_000.5, webhookFreshUntil: readAt + 600_000.5 };
  const sequences = { verifiedSequence: n, lookedUpSequence: n };
  return { value, version: n, ...times, generation: null, ...sequences, failure: null, retryAt: 0 };
}

/** Passes `count` values through a tier of `maxBytes`; answers the most that the heap grew by, and what the tier thought. */
function passThrough<V>(
  maxBytes: number,
  { sizeOf }: codec.Codec<V>,
  count: number,
  makeKey: (n: number) => string,
  makeValue: (n: number) => V | null,
  groupOf?: (key: string) => string,
) {
  const before = heldMemory();
  const tier = createMemoryStore<V>({ maxBytes, sizeOf, groupOf });
  let peak = 0;
  for (let n = 1; n <= count; n++) {
    tier.set(makeKey(n), kept(makeValue(n), n));
    if (n % Math.ceil(count / 4) === 0 || n === count) peak = Math.max(peak, heldMemory() - before);
  }
  return { peak, bytes: tier.bytes() };
}

const userKey = (n: number) => `user_${n}`;
const pagesKey = (n: number) => pageKey({ userId: userKey(n), list: 'fans', start: '', size: 100 });

test('120,000 profiles pass through 16 MB of memory, and the heap grows by no more than a fifth over that', () => {
  const maxBytes = 16_000_000;
  const profileOf = (n: number) => (n % 2 === 0 ? parsedProfile(n) : sharedProfile(n));
  const { peak, bytes } = passThrough(maxBytes, codec.profile, 120_000, userKey, (n) =>
    n % 9 === 0 ? null : profileOf(n),
  );
  expect(peak).toBeLessThan(maxBytes * 1.2);
  expect(bytes).toBeLessThanOrEqual(maxBytes);
  // And the room is used.
  expect(peak).toBeGreaterThan(maxBytes * 0.7);
});

describe('of each kind, the heap takes what is estimated', () => {
  const maxBytes = 12_000_000;
  const sharedPage = (n: number) => codec.page.decode(codec.page.encode(pageOf(n)));
  const countsOf = (n: number) => ({ fans: n, follows: 1, mutuals: 0 });
  const relationKey = (n: number) => `${userKey(n)} ${userKey(n + 1)}`;
  test.each([
    ['pages', () => passThrough(maxBytes, codec.page, 20_000, pagesKey, pageOf, groupOfPage)],
    ['pages that came from Redis', () => passThrough(maxBytes, codec.page, 20_000, pagesKey, sharedPage, groupOfPage)],
    ['counts', () => passThrough(maxBytes, codec.counts, 100_000, userKey, countsOf)],
    ['relations', () => passThrough(maxBytes, codec.relation, 100_000, relationKey, () => 'MUTUAL')],
    ['accounts that do not exist', () => passThrough(maxBytes, codec.profile, 100_000, userKey, () => null)],
  ])('%s', (_kind, pass) => {
    const { peak, bytes } = pass();
    expect(bytes).toBeGreaterThan(maxBytes * 0.95);
    expect(peak / bytes).toBeLessThan(1.2);
    expect(peak / bytes).toBeGreaterThan(0.5);
  });
});

test('a group leaves nothing behind when its members go by themselves, grow too large, or are cleared', () => {
  const before = heldMemory();
  const groupOf = (key: string) => key.split(':')[0] ?? '';
  const tier = createMemoryStore<string>({ maxBytes: 50_000, sizeOf: (value) => value.length, groupOf });
  for (let n = 0; n < 40_000; n++) {
    tier.set(`group${n}:1`, kept('x', n));
    tier.set(`group${n}:1`, kept(n % 2 === 0 ? 'x'.repeat(60_000) : 'xx', n + 1));
  }
  expect(tier.get('group39998:1')).toBeUndefined();
  tier.clear();
  expect(tier.bytes()).toBe(0);
  expect(heldMemory() - before).toBeLessThan(1_000_000);
});
