// Known fans against a sandbox of many small worlds: never wrong when they claim to be exact, never above their cap.
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createCachedFollowService } from '../../src/follow/cached-follow-service.ts';
import { createKnownFans } from '../../src/follow/known-fans.ts';
import type { CallOptions } from '../../src/follow/services.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { createFollowService } from '../../src/tencent/follow-service.ts';
import { cacheOptions } from '../support/cache-options.ts';
import { createHastyClock } from '../support/clock.ts';
import { callCounts } from '../support/gateway.ts';

const LIFETIMES = { freshMs: 30_000, webhookFreshMs: 30_000, staleMs: 3_600_000 };
const PEOPLE = Array.from({ length: 12_000 }, (_, i) => `p${String(i).padStart(5, '0')}`);

const clock = createHastyClock();
// Here time stands nearly still, and a refused call that is tried again changes nothing.
const sandbox = createSandbox({ emptyWorld: true, clock, rateLimits: Number.POSITIVE_INFINITY });
const { world, faults, calls } = sandbox;
let client: ReturnType<typeof createTencentClient>;

beforeAll(async () => {
  const { url: baseUrl } = await sandbox.listen();
  client = createTencentClient({
    sdkAppId: SANDBOX_APP.sdkAppId,
    secretKey: SANDBOX_APP.secretKey,
    adminId: SANDBOX_APP.admin,
    baseUrl,
    clock,
    timeoutMs: 5000,
  });
  for (const id of PEOPLE) world.importAccount(id);
});
afterEach(() => faults.reset());
afterAll(async () => {
  await client.close();
  await sandbox.close();
});

/** The cached follow service of a gateway, with empty caches. */
function openService() {
  const unused = () => Promise.reject(new Error('no profile is asked for'));
  const service = createCachedFollowService({
    follow: createFollowService(client, { onBehalfOf: SANDBOX_APP.admin }),
    profiles: { readProfiles: unused, refusedTags: () => [], asAsked: (profile) => profile },
    clock,
    memoryBytes: 64_000_000,
    ...cacheOptions(LIFETIMES),
    redis: null,
  });
  const call: CallOptions = {
    signal: new AbortController().signal,
    deadlineAt: clock.now() + 3_600_000,
  };
  return {
    find: (viewer: string, user: string, maxCalls: number) =>
      createKnownFans(service, { maxCalls })(viewer, user, call),
    service,
    call,
  };
}

let pairs = 0;

/** A viewer and a user of their own, with that number of follows and fans, of whom `both` are the same people. */
function createPair({ follows, fans, both }: { follows: number; fans: number; both: number }) {
  const pair = ++pairs;
  const [viewer, user] = [`viewer${pair}`, `user${pair}`];
  for (const id of [viewer, user]) world.importAccount(id);
  const shared = Math.min(both, follows, fans);
  // Those whom both know are spread over the whole of the viewer's follows, and over the user's fans.
  const step = Math.max(1, Math.floor(follows / Math.max(1, shared)));
  const followed = PEOPLE.slice(0, follows);
  const common = followed.filter((_, i) => i % step === 0).slice(0, shared);
  for (const [i, id] of followed.entries()) world.follow(viewer, id, 1_700_000_000 - i);
  const fansOnly = PEOPLE.slice(follows, follows + fans - shared);
  for (const [i, id] of [...fansOnly, ...common].entries())
    world.follow(id, user, 1_600_000_000 + ((i * 7919) % 100_003));
  // Some of them are mutuals of the user.
  for (const [i, id] of common.entries()) if (i % 2 === 0) world.follow(user, id);
  return { viewer, user };
}

/** What brute force over the sandbox's graph finds. */
function truth(viewer: string, user: string): string[] {
  const fans = new Set(world.list(user, 'fans').map(({ id }) => id));
  return world.list(viewer, 'follows').flatMap(({ id }) => (fans.has(id) ? [id] : []));
}

const idsOf = ({ members }: { members: readonly { user: { id: string } }[] }) => members.map(({ user }) => user.id);

/** What was asked for since the last time, retries included. */
function spent(): Record<string, number> {
  const counts = callCounts({ sandbox });
  calls.reset();
  return counts;
}

test.each([
  [
    'a viewer with few follows asks one check',
    { follows: 80, fans: 9000, both: 40 },
    { follow_get: 1, follow_check: 1 },
  ],
  ['a user with few fans is read whole', { follows: 1500, fans: 900, both: 70 }, { follow_get: 3, follow_get_info: 1 }],
  [
    'a viewer with fewer follows than it takes pages of fans has them checked',
    { follows: 300, fans: 9000, both: 100 },
    { follow_get: 1, follow_get_info: 1, follow_check: 3 },
  ],
  ['a viewer who follows nobody asks no more', { follows: 0, fans: 50, both: 0 }, { follow_get: 1 }],
])('%s, and the answer is exact', async (_title, size, calls) => {
  const { viewer, user } = createPair(size);
  spent();
  const known = await openService().find(viewer, user, 10);
  expect(known.exact).toBe(true);
  expect(idsOf(known)).toEqual(truth(viewer, user));
  expect(idsOf(known)).toHaveLength(size.both);
  expect(spent()).toEqual(calls);
});

test('the pages that one viewer read cost the next one nothing', async () => {
  const a = createPair({ follows: 1500, fans: 900, both: 70 });
  const b = createPair({ follows: 1200, fans: 0, both: 0 });
  const { find } = openService();
  await find(a.viewer, a.user, 10);
  spent();
  expect(idsOf(await find(b.viewer, a.user, 10))).toEqual(truth(b.viewer, a.user));
  expect(spent()).toEqual({ follow_get: 2 });
  expect((await find(b.viewer, a.user, 2)).exact).toBe(true);
  expect(spent()).toEqual({});
});

test('a cap that just suffices to check every follow is not spent on counts', async () => {
  const { viewer, user } = createPair({ follows: 300, fans: 9000, both: 100 });
  spent();
  expect((await openService().find(viewer, user, 4)).exact).toBe(true);
  expect(spent()).toEqual({ follow_get: 1, follow_check: 3 });
});

test('when pages come shorter than planned, the rest is checked while that is still within the cap', async () => {
  const { viewer, user } = createPair({ follows: 300, fans: 2000, both: 100 });
  faults.set({ shortPages: { keep: 100 } });
  spent();
  const known = await openService().find(viewer, user, 10);
  expect(known.exact).toBe(true);
  expect(idsOf(known)).toEqual(truth(viewer, user));
  expect(spent()).toEqual({ follow_get: 5, follow_get_info: 1, follow_check: 3 });
});

test('once all whom the viewer follows are found, no further page is read', async () => {
  const { viewer, user } = createPair({ follows: 0, fans: 1700, both: 0 });
  for (const { id } of world.list(user, 'fans').slice(0, 150)) world.follow(viewer, id);
  // Nobody is their own fan, so nothing is open about the user.
  world.follow(viewer, user);
  spent();
  expect(await openService().find(viewer, user, 10)).toMatchObject({ exact: true, members: { length: 150 } });
  expect(spent()).toEqual({ follow_get: 2, follow_get_info: 1 });
});

test('a call that is tried again counts once', async () => {
  const { viewer, user } = createPair({ follows: 80, fans: 9000, both: 40 });
  faults.set({ error: { code: 60007, times: 1 } });
  spent();
  expect((await openService().find(viewer, user, 2)).exact).toBe(true);
  expect(spent()).toEqual({ follow_get: 2, follow_check: 1 });
});

test('asking again goes on from what is cached, until the answer is exact', async () => {
  const { viewer, user } = createPair({ follows: 4000, fans: 6900, both: 2500 });
  const { find } = openService();
  const answers = [];
  for (let asked = 0; asked < 4; asked++) {
    spent();
    answers.push(await find(viewer, user, 5));
    expect(Object.values(spent()).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(5);
  }
  const found = answers.map((known) => idsOf(known).length);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  expect(answers.map(({ exact }) => exact)).toEqual([false, false, true, true]);
  expect(idsOf(answers[3] as (typeof answers)[0])).toEqual(truth(viewer, user));
});

test('renewing what is stale counts too', async () => {
  const { viewer, user } = createPair({ follows: 3000, fans: 6900, both: 2500 });
  const { find } = openService();
  await find(viewer, user, 5);
  clock.advance(40_000);
  spent();
  await find(viewer, user, 5);
  // Renewals happen behind the answer.
  await expect
    .poll(() => Object.values(calls.summary()).reduce((sum, { received }) => sum + received, 0))
    .toBeGreaterThanOrEqual(5);
  expect(spent()).toEqual({ follow_get: 4, follow_get_info: 1 });
});

test('a follow whose account is gone is no fan; one whose check failed leaves the answer open', async () => {
  const { viewer, user } = createPair({ follows: 50, fans: 40, both: 20 });
  const [gone, failing, ...rest] = truth(viewer, user) as [string, string, ...string[]];
  faults.set({ itemFailure: { ids: [gone], code: 30003, commands: ['follow_check'] } });
  expect(await openService().find(viewer, user, 10)).toMatchObject({ exact: true, members: { length: 19 } });
  faults.set({ itemFailure: { ids: [failing], code: 30006, commands: ['follow_check'] } });
  const known = await openService().find(viewer, user, 10);
  faults.reset();
  expect(known.exact).toBe(false);
  expect(idsOf(known)).toEqual([gone, ...rest]);
});

test('a user whom the upstream does not know is USER_NOT_FOUND, whichever way is gone', async () => {
  for (const follows of [50, 150, 1500]) {
    const { viewer } = createPair({ follows, fans: 0, both: 0 });
    const find = openService().find(viewer, 'nobody', 10);
    await expect(find).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
      message: expect.stringMatching(/nobody|follow_get/),
    });
  }
});

test('when nothing can be found out, the failure goes up; when some can, it does not', async () => {
  const { viewer, user } = createPair({ follows: 1500, fans: 900, both: 70 });
  faults.set({ error: { code: 30002, commands: ['follow_get'] } });
  await expect(openService().find(viewer, user, 10)).rejects.toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
  // The follows are read; then neither counts, fans nor checks can be.
  const { find, service, call } = openService();
  faults.reset();
  await find(viewer, viewer, 2);
  faults.set({ error: { code: 30002 } });
  await expect(find(viewer, user, 10)).rejects.toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
  // Fans cannot be read, but checks can.
  faults.set({ error: { code: 30002, commands: ['follow_get'] } });
  const known = await find(viewer, user, 10);
  faults.reset();
  expect(known.exact).toBe(false);
  expect(idsOf(known).length).toBeGreaterThan(0);
  expect(await service.readCounts(user, call)).toBeDefined();
});

const FAULTS = fc.constantFrom<Parameters<typeof faults.set>[0]>(
  {},
  { shortPages: { keep: 40 } },
  { shortPages: { keep: 300 } },
  { extraEmptyPage: true },
  { duplicates: true },
  { stuckCursor: true },
  { offsetCursor: true },
  { shortPages: { keep: 150 }, extraEmptyPage: true, duplicates: true, offsetCursor: true, missingFollowItem: true },
  { error: { code: 30002, times: 1 } },
  { error: { code: 30002, every: 3 } },
  { error: { code: 30002, every: 2, commands: ['follow_check', 'follow_get_info'] } },
  { itemFailure: { ids: PEOPLE.filter((_, i) => i % 3 === 0), code: 30006 } },
);

test('whatever the world, the cap and the upstream’s quirks: right, in order, within the cap, and exact only when whole', async () => {
  const seen = { exact: 0, open: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.record({ follows: fc.nat(700), fans: fc.nat(2500), both: fc.nat(400) }),
      fc.integer({ min: 1, max: 12 }),
      FAULTS,
      async (size, maxCalls, armed) => {
        const { viewer, user } = createPair(size);
        const all = truth(viewer, user);
        const { find } = openService();
        faults.reset();
        faults.set(armed);
        spent();
        for (const isAgain of [false, true]) {
          const known = await find(viewer, user, maxCalls).catch((error) => ({ error }));
          expect(Object.values(spent()).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(maxCalls);
          if ('error' in known) {
            expect(known.error).toMatchObject({ code: expect.stringMatching(/^UPSTREAM_/) });
            expect(armed).not.toEqual({});
            seen.failed++;
            continue;
          }
          const ids = idsOf(known);
          expect(ids).toEqual(all.filter((id) => ids.includes(id)));
          if (known.exact) expect(ids).toEqual(all);
          if (Object.keys(armed).length === 0 && maxCalls === 12) expect(known.exact).toBe(true);
          if (!isAgain) seen[known.exact ? 'exact' : 'open']++;
        }
      },
    ),
    { numRuns: 150 },
  );
  // All kinds of answer were really seen.
  expect(seen.exact).toBeGreaterThan(20);
  expect(seen.open).toBeGreaterThan(20);
  expect(seen.failed).toBeGreaterThan(0);
});
