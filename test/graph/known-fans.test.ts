// "Followed by someone you know", over HTTP, against what the sandbox's world says: never wrong when it claims to be
// exact, never above its cap.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { type Connection, idsOf } from '../support/walk.ts';
import { at, codesOf, openWorld, type World } from './world.ts';

type KnownFans = Connection & { count: number; atLeast: boolean; nodes: { id: string }[] };

const QUERY = `query ($id: ID!, $first: Int, $after: String) {
  user(id: $id) {
    id
    knownFans(first: $first, after: $after) {
      count atLeast
      edges { cursor node { id } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`;

const ask = (gateway: World, viewer: string, id: string, first?: number, after: string | null = null) =>
  gateway.as(viewer).query(QUERY, { id, first, after });

async function read(...asked: Parameters<typeof ask>): Promise<KnownFans> {
  const { data, errors } = await ask(...asked);
  expect(errors).toBeUndefined();
  return at(data, 'user.knownFans');
}

/** What brute force over the sandbox's graph finds. */
function truth({ world }: World, viewer: string, user: string): string[] {
  const fans = new Set(world.list(user, 'fans').map(({ id }) => id));
  return world.list(viewer, 'follows').flatMap(({ id }) => (fans.has(id) ? [id] : []));
}

/** What was asked for since the last time, retries included. */
function spent(gateway: World): Record<string, number> {
  const counts = callCounts(gateway);
  gateway.sandbox.calls.reset();
  return counts;
}
const sumOf = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

const PEOPLE = Array.from({ length: 4000 }, (_, i) => `p${String(i).padStart(4, '0')}`);

// Counts that vouch for pages would be calls of their own.
const openMany = () => openWorld({ people: PEOPLE, env: { MAX_PAGE_SIZE: '1000', LIST_VALIDATED_SECONDS: '0' } });

/** The most calls that one answer may take. */
const MAX_CALLS = 10;

let pairs = 0;
type Size = { follows: number; fans: number; both: number };

/** A viewer and a user of their own, with that number of follows and fans, of whom `both` are the same people. */
function createPair({ world }: World, { follows, fans, both }: Size) {
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
  return [viewer, user] as const;
}

async function openPair(size: Size) {
  const gateway = await openMany();
  const [viewer, user] = createPair(gateway, size);
  return { gateway, viewer, user, find: () => read(gateway, viewer, user, 1000) };
}

type Faults = Parameters<World['faults']['set']>[0];

test.each<[string, [follows: number, fans: number, both: number], calls: object, faults?: Faults]>([
  ['a viewer with few follows asks one check', [80, 3000, 40], { follow_get: 1, follow_check: 1 }],
  ['a user with few fans is read whole', [1500, 900, 70], { follow_get: 3 }],
  ['whom the first page of fans does not decide is checked', [300, 3000, 100], { follow_get: 2, follow_check: 3 }],
  ['a viewer who follows nobody asks no more', [0, 50, 0], { follow_get: 1 }],
  [
    'when pages come short, those that were not read are checked',
    [300, 2000, 100],
    { follow_get: 4, follow_check: 3 },
    { shortPages: { keep: 100 } },
  ],
  [
    'a call that is tried again counts once',
    [950, 3000, 600],
    { follow_get: 3, follow_check: 8 },
    { error: { code: 60007, times: 1 } },
  ],
])('%s, and the answer is exact', async (_title, [follows, fans, both], calls, faults = {}) => {
  const { gateway, viewer, user, find } = await openPair({ follows, fans, both });
  gateway.faults.set(faults);
  const known = await find();
  expect(known).toMatchObject({ count: both, atLeast: false });
  expect(idsOf(known)).toEqual(truth(gateway, viewer, user));
  expect(spent(gateway)).toEqual(calls);
});

test('the pages that one viewer read cost the next one nothing', async () => {
  const { gateway, user, find } = await openPair({ follows: 1500, fans: 900, both: 70 });
  await find();
  const [other] = createPair(gateway, { follows: 1200, fans: 0, both: 0 });
  spent(gateway);
  const known = await read(gateway, other, user, 1000);
  expect([known.atLeast, idsOf(known)]).toEqual([false, truth(gateway, other, user)]);
  expect(spent(gateway)).toEqual({ follow_get: 2 });
});

test('once all whom the viewer follows are found, nothing else is asked', async () => {
  const { gateway, viewer, user, find } = await openPair({ follows: 0, fans: 1700, both: 0 });
  for (const { id } of gateway.world.list(user, 'fans').slice(0, 150)) gateway.world.follow(viewer, id);
  // Nobody is their own fan, so nothing is open about the user.
  gateway.world.follow(viewer, user);
  expect(await find()).toMatchObject({ count: 150, atLeast: false });
  expect(spent(gateway)).toEqual({ follow_get: 2 });
});

test('what ten calls do not decide leaves the answer open, and to renew what is stale takes no more of them', async () => {
  const { gateway, viewer, user, find } = await openPair({ follows: 2000, fans: 2500, both: 1500 });
  const calls = { follow_get: 3, follow_check: MAX_CALLS - 3 };
  const { atLeast, count, ...known } = await find();
  expect([atLeast, spent(gateway)]).toEqual([true, calls]);
  expect(count).toBeGreaterThan(700);
  const found = new Set(idsOf(known));
  expect(idsOf(known)).toEqual(truth(gateway, viewer, user).filter((id) => found.has(id)));
  gateway.clock.advance(40_000);
  expect(await find()).toEqual({ atLeast, count, ...known });
  // Renewals happen behind the answer.
  await expect.poll(() => sumOf(callCounts(gateway))).toBeGreaterThanOrEqual(MAX_CALLS);
  expect(spent(gateway)).toEqual(calls);
});

test.each([
  ['a follow whose account is gone is no fan', 30003, false],
  ['a follow whose check failed leaves the answer open, and is asked about again the next time', 30006, true],
])('%s', async (_title, code, atLeast) => {
  const { gateway, viewer, user, find } = await openPair({ follows: 50, fans: 40, both: 20 });
  const [gone = '', ...rest] = truth(gateway, viewer, user);
  gateway.faults.set({ itemFailure: { ids: [gone], code, commands: ['follow_check'] } });
  const known = await find();
  expect([known.atLeast, idsOf(known)]).toEqual([atLeast, rest]);
  gateway.faults.reset();
  const again = await find();
  expect([again.atLeast, idsOf(again)]).toEqual([false, atLeast ? [gone, ...rest] : rest]);
});

test('a user whom the upstream does not know is USER_NOT_FOUND, whichever way is gone', async () => {
  const gateway = await openMany();
  for (const follows of [50, 150, 1500]) {
    const [viewer] = createPair(gateway, { follows, fans: 0, both: 0 });
    const { errors } = await ask(gateway, viewer, 'nobody');
    const message = expect.stringMatching(/nobody|follow_get/);
    expect(errors).toMatchObject([{ message, extensions: { code: 'USER_NOT_FOUND' } }]);
  }
});

test('when nothing can be found out, the failure goes up; when some can, it does not', async () => {
  const { gateway, viewer, user } = await openPair({ follows: 1500, fans: 900, both: 70 });
  const { faults } = gateway;
  const expectFailure = async () =>
    expect(codesOf(await ask(gateway, viewer, user))).toEqual(['user knownFans UPSTREAM_MISCONFIGURED']);
  faults.set({ error: { code: 30002, commands: ['follow_get'] } });
  await expectFailure();
  // The follows are read; then neither counts, fans nor checks can be.
  faults.reset();
  await read(gateway, viewer, viewer);
  faults.set({ error: { code: 30002 } });
  await expectFailure();
  // Fans cannot be read, but checks can.
  faults.set({ error: { code: 30002, commands: ['follow_get'] } });
  const known = await read(gateway, viewer, user);
  expect(known.atLeast).toBe(true);
  expect(known.count).toBeGreaterThan(0);
  // Half of another viewer's follows cannot be read.
  const [other] = createPair(gateway, { follows: 1500, fans: 0, both: 0 });
  faults.set({ error: { code: 30002, every: 2, commands: ['follow_get'] } });
  const some = await read(gateway, other, user, 1000);
  expect(some.atLeast).toBe(true);
  expect(idsOf(some)).toEqual(truth(gateway, viewer, user).filter((id) => id < 'p1000'));
});

const QUIRKS = fc.constantFrom<Faults>(
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

test('whatever the world and the upstream’s quirks: right, in order, within ten calls, and exact only when whole', async () => {
  const gateway = await openMany();
  const seen = { exact: 0, open: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.record({ follows: fc.nat(1500), fans: fc.nat(2500), both: fc.nat(800) }),
      fc.option(QUIRKS, { freq: 2, nil: {} }),
      fc.integer({ min: 60, max: 300 }),
      async (size, armed, first) => {
        const [viewer, user] = createPair(gateway, size);
        const all = truth(gateway, viewer, user);
        const { faults } = gateway;
        faults.reset();
        faults.set(armed);
        spent(gateway);
        const answer = await ask(gateway, viewer, user, 1000);
        expect(sumOf(spent(gateway))).toBeLessThanOrEqual(MAX_CALLS);
        if (answer.errors) {
          expect(codesOf(answer)).toEqual([expect.stringMatching(/^user knownFans UPSTREAM_/)]);
          expect(armed).not.toEqual({});
          seen.failed++;
          return;
        }
        const known = at<KnownFans>(answer.data, 'user.knownFans');
        const ids = idsOf(known);
        expect(ids).toEqual(all.filter((id) => ids.includes(id)));
        expect(known.count).toBe(ids.length);
        seen[known.atLeast ? 'open' : 'exact']++;
        if (!known.atLeast) expect(ids).toEqual(all);
        if (Object.keys(armed).length > 0) return;
        // A page of follows, one of fans, and eight checks suffice.
        if (size.follows <= 800 || size.fans <= 1000) expect(known.atLeast).toBe(false);
        if (!known.atLeast) await expectPages(gateway, viewer, user, first);
      },
    ),
    { numRuns: 100 },
  );
  // All kinds of answer were really seen.
  expect(seen.exact).toBeGreaterThan(20);
  expect(seen.open).toBeGreaterThan(20);
  expect(seen.failed).toBeGreaterThan(0);
});

/** The pages of an exact answer hold everybody once, in the order of the viewer's follows. */
async function expectPages(gateway: World, viewer: string, user: string, first: number) {
  const all = truth(gateway, viewer, user);
  const edges: { node: { id: string } }[] = [];
  for (let page: KnownFans | null = null; page?.pageInfo.hasNextPage !== false; edges.push(...page.edges)) {
    page = await read(gateway, viewer, user, first, page?.pageInfo.endCursor);
    expect(page).toEqual({
      count: all.length,
      atLeast: false,
      edges: expect.anything(),
      nodes: page.edges.map(({ node }) => node),
      pageInfo: {
        hasNextPage: edges.length + first < all.length,
        hasPreviousPage: edges.length > 0,
        startCursor: page.edges[0]?.cursor ?? null,
        endCursor: page.edges.at(-1)?.cursor ?? null,
      },
    });
  }
  expect(edges.map(({ node }) => node.id)).toEqual(all);
}

/** A small world: the viewer follows thirty people, 29 of whom, all but the newest, are fans of the user. */
async function openSmall() {
  const gateway = await openWorld({ people: ['viewer', 'user'] });
  const { world } = gateway;
  world.addFans('user', 29);
  world.importAccount('crowd_000030');
  for (let n = 1; n <= 30; n++) world.follow('viewer', `crowd_0000${String(n).padStart(2, '0')}`, 1_700_000_000 + n);
  return gateway;
}

test('every cursor resumes right after its edge, also when its member or others have gone', async () => {
  const gateway = await openSmall();
  const { clock, world } = gateway;
  const all = await read(gateway, 'viewer', 'user', 100);
  const ids = idsOf(all);
  expect(ids).toEqual(truth(gateway, 'viewer', 'user'));
  for (const [i, { cursor }] of all.edges.entries())
    expect(idsOf(await read(gateway, 'viewer', 'user', 3, cursor))).toEqual(ids.slice(i + 1, i + 4));
  expect((await read(gateway, 'viewer', 'user', 100)).edges).toEqual(all.edges);

  for (const gone of [4, 28]) world.unfollow(ids[gone] as string, 'user');
  world.unfollow('viewer', ids[10] as string);
  world.follow('crowd_000030', 'user');
  clock.advance(3_600_001);
  const left = truth(gateway, 'viewer', 'user');
  expect(left).toHaveLength(27);
  for (const [i, { cursor }] of all.edges.entries())
    expect(idsOf(await read(gateway, 'viewer', 'user', 100, cursor))).toEqual(
      ids.slice(i + 1).filter((id) => left.includes(id)),
    );
});

test('known fans bring their profiles and their relations to the viewer at no further call', async () => {
  const gateway = await openSmall();
  const query = '{ user(id: "user") { knownFans(first: 1) { nodes { id nick viewerIsFollowing viewerCanFollow } } } }';
  expect(at(await gateway.as('viewer').data(query), 'user.knownFans.nodes')).toEqual([
    { id: 'crowd_000029', nick: 'Crowd 29', viewerIsFollowing: true, viewerCanFollow: false },
  ]);
  expect(spent(gateway)).toEqual({ follow_get: 1, follow_check: 1 });
});

test('first: 0 tells the count alone; too many, or fewer than none, are BAD_USER_INPUT and make no call', async () => {
  const gateway = await openSmall();
  for (const first of [-1, 101])
    expect(codesOf(await ask(gateway, 'viewer', 'user', first))).toEqual(['user knownFans BAD_USER_INPUT']);
  expect(spent(gateway)).toEqual({});
  const pageInfo = { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null };
  const none = { count: 29, atLeast: false, edges: [], nodes: [], pageInfo };
  expect(await read(gateway, 'viewer', 'user', 0)).toEqual(none);
});

test('an anonymous viewer gets null and costs nothing, whatever cursor comes along', async () => {
  const gateway = await openSmall();
  for (const after of [null, 'made-up'])
    expect(await gateway.data(QUERY, { id: 'user', after })).toEqual({ user: { id: 'user', knownFans: null } });
  expect(spent(gateway)).toEqual({});
});
