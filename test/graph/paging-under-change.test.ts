// The promise that no peer makes: a list that changes while it is paged loses and repeats no member who stayed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idsOf, readPage, walkList } from '../support/walk.ts';
import { change as changeBy, LAGGING, openWorld, type World } from './world.ts';

const CHUNK = 5;
const RUNS = 300;

type Change = { kind: 'leave' | 'return' | 'join'; pick: number; sameSecond: boolean };
/** One client page, and what happens before the next: changes, and perhaps the expiry of every cached page. */
type Step = { first: number; changes: Change[]; expire: boolean };
/** Where changes may happen: anywhere in the list, or in the upstream page that the last cursor names. */
type Reach = 'anywhere' | 'named page';

const change = fc.record<Change>({
  kind: fc.constantFrom('leave', 'return', 'join'),
  pick: fc.nat(1000),
  sameSecond: fc.boolean(),
});
const scenario = fc.record({
  // Seconds between one member and the next: zeros make members who followed in the same second.
  gaps: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 28 }),
  steps: fc.array(
    fc.record<Step>({
      first: fc.integer({ min: 1, max: 8 }),
      changes: fc.array(change, { maxLength: 4 }),
      expire: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

/** Walks one user's fans page by page, changing them in between; answers who stayed throughout and who was seen. */
async function walkWhileChanging(gateway: World, user: string, gaps: number[], steps: Step[], reach: Reach) {
  const { world, clock } = gateway;
  world.importAccount(user);
  let second = 1_700_000_000;
  for (const [number, gap] of gaps.entries()) join(`${user}_m${(number * 7919) % 97}_${number}`, gap);
  const stayed = new Set(world.list(user, 'fans').map(({ id }) => id));
  const before = world.list(user, 'fans').map(({ id }) => id);

  const seen: string[] = [];
  let joined = 0;
  let after: string | null = null;
  for (let turn = 0; ; turn++) {
    const step = steps[turn];
    const page = await readPage(gateway, user, 'fans', step?.first ?? 8, after);
    seen.push(...page.edges.map(({ node }) => node.id));
    if (!page.pageInfo.hasNextPage || page.pageInfo.endCursor === null) break;
    after = page.pageInfo.endCursor;
    const last = page.edges.at(-1)?.node.id as string;
    for (const change of step?.changes ?? []) apply(change, last);
    if (step?.expire) clock.advance(31_000);
  }
  return { before: before.filter((id) => stayed.has(id)), seen: seen.filter((id) => stayed.has(id)) };

  function join(id: string, gap: number) {
    second += gap;
    world.importAccount(id);
    world.follow(id, user, second);
  }

  function apply({ kind, pick, sameSecond }: Change, last: string) {
    const fans = world.list(user, 'fans').map(({ id }) => id);
    const reachable = reach === 'anywhere' ? fans : namedPage(fans, last);
    if (kind === 'join') {
      // Newcomers come in at the head, which a cursor of a later page does not name.
      if (reach === 'anywhere' || reachable[0] === fans[0]) join(`${user}_new${joined++}`, sameSecond ? 0 : 1);
      return;
    }
    const id = reachable[pick % Math.max(1, reachable.length)];
    if (id === undefined) return;
    stayed.delete(id);
    world.unfollow(id, user);
    if (kind === 'return' && (reach === 'anywhere' || reachable[0] === fans[0])) join(id, sameSecond ? 0 : 1);
  }

  /** The upstream page of plain offsets that holds the last member of the client's page. */
  function namedPage(fans: string[], last: string): string[] {
    const at = fans.indexOf(last);
    if (at < 0) return [];
    const start = at - (at % CHUNK);
    return fans.slice(start, start + CHUNK);
  }
}

async function expectNobodyLost(gateway: World, reach: Reach) {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ gaps, steps }) => {
      const { before, seen } = await walkWhileChanging(gateway, `u${run++}`, gaps, steps, reach);
      expect(seen).toEqual(before);
    }),
    { numRuns: RUNS },
  );
}

const open = (env: Record<string, string> = {}) => openWorld({ config: { chunkSize: CHUNK }, env });

test.each([
  ['no cached pages', '0'],
  ['pages that are cached for a while', '30'],
])('with key positions and %s, no member who stayed is lost, repeated or moved', async (_what, LIST_FRESH_SECONDS) => {
  await expectNobodyLost(await open({ LIST_FRESH_SECONDS }), 'anywhere');
});

test('with plain offsets, the same holds for changes inside the page that the cursor names', async () => {
  const gateway = await open({ LIST_FRESH_SECONDS: '0' });
  gateway.faults.set({ offsetCursor: true });
  await expectNobodyLost(gateway, 'named page');
});

test.each([
  ['newcomers who push members over a page’s edge make nobody appear twice', 'with plain offsets', 2, 30],
  ['a member whom more newcomers than a page holds have pushed down is found again', 'with key positions', 3000, 0],
] as const)('%s, %s', async (_title, cursors, newcomers, seconds) => {
  const gateway = await open({ LIST_FRESH_SECONDS: String(seconds) });
  const { world, faults } = gateway;
  if (cursors === 'with plain offsets') faults.set({ offsetCursor: true });
  world.addFans('anna', 20);
  const before = world.list('anna', 'fans').map(({ id }) => id);
  const first = await readPage(gateway, 'anna', 'fans', 3, null);
  for (let n = 0; n < newcomers; n++) {
    world.importAccount(`new${n}`);
    world.follow(`new${n}`, 'anna', 1_700_000_000 + n);
  }
  const second = await readPage(gateway, 'anna', 'fans', 8, first.pageInfo.endCursor);
  expect([...first.edges, ...second.edges].map(({ node }) => node.id)).toEqual(before.slice(0, 11));
});

const SEVEN = ['dora', 'anna', 'fred', 'bert', 'emil', 'cleo', 'gina'];
/** Zoe follows them, the first of them last. */
const openZoe = () =>
  openWorld({
    ...{ config: { chunkSize: CHUNK }, people: ['zoe', 'hugo', ...SEVEN] },
    follows: SEVEN.toReversed().map((id) => `zoe ${id}`),
  });

test('a member who was unfollowed and followed again is the newest, and no other, before the upstream shows it', async () => {
  const gateway = await openZoe();
  gateway.faults.set(LAGGING);
  for (const id of ['bert', 'gina']) {
    await changeBy(gateway, 'unfollowUsers', 'zoe', [id]);
    gateway.clock.advance(1000);
    await changeBy(gateway, 'followUsers', 'zoe', [id]);
    gateway.clock.advance(1000);
  }
  const after = ['gina', 'bert', 'dora', 'anna', 'fred', 'emil', 'cleo'];
  expect(idsOf(...(await walkList(gateway, 'zoe', 'follows', 2)))).toEqual(after);
  // The upstream shows it by now.
  gateway.faults.reset();
  expect(idsOf(...(await walkList(gateway, 'zoe', 'follows', 3)))).toEqual(after);
});

test('somebody who is followed moves none of the others, also where the upstream tells no times', async () => {
  const gateway = await openZoe();
  gateway.faults.set({ ...LAGGING, rewrite: { pattern: '"FollowTime":\\d+', with: '"FollowTime":0' } });
  const first = await readPage(gateway, 'zoe', 'follows', 3, null);
  await changeBy(gateway, 'followUsers', 'zoe', ['hugo']);
  const second = await readPage(gateway, 'zoe', 'follows', 4, first.pageInfo.endCursor);
  expect(idsOf(first, second)).toEqual(SEVEN);
});
