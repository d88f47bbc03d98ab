// New fans since a cursor or a time, against brute force.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { type Edge, idsOf, readPage } from '../support/walk.ts';
import { at, codesOf, openWorld, type World } from './world.ts';

type NewFans = { count: number; atLeast: boolean; edges: Edge[] };

const queryOf = (since: string, first = 100) =>
  `{ user(id: "anna") { newFans(since: "${since}", first: ${first}) { count atLeast edges { cursor node { id } } } } }`;
const read = async (gateway: World, since: string, first?: number) =>
  at<NewFans>(await gateway.data(queryOf(since, first)), 'user.newFans');

async function openAnna(fans: number) {
  const gateway = await openWorld({ people: ['anna'] });
  gateway.world.addFans('anna', fans);
  return gateway;
}

const instantOf = (seconds: number) => new Date(seconds * 1000).toISOString();
const LONG_AGO = '2001-01-01T00:00:00+02:00';

test('under random follows and unfollows, the new fans are those of brute force, since a time and since any edge', async () => {
  const people = ['anna', ...Array.from({ length: 31 }, (_, n) => `u${n}`)];
  const gateway = await openWorld({ people, env: { LIST_FRESH_SECONDS: '0' } });
  const { clock, world } = gateway;
  const turn = fc.record({ pick: fc.nat(30), later: fc.nat(2) });
  let second = Math.floor(clock.now() / 1000);
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 20 }), fc.nat(40), async (changes, at) => {
      const shown = (await readPage(gateway, 'anna', 'fans', 100, null)).edges;
      const edge = shown[at % Math.max(1, shown.length)];
      const before = world.list('anna', 'fans').find(({ id }) => id === edge?.node.id);
      const since = second;
      for (const { pick, later } of changes) {
        second += later;
        if (!world.follow(`u${pick}`, 'anna', second)) world.unfollow(`u${pick}`, 'anna');
      }
      const now = world.list('anna', 'fans');
      const sinceTime = now.filter(({ time }) => time > since).map(({ id }) => id);
      const found = await read(gateway, instantOf(since));
      expect(found).toMatchObject({ count: sinceTime.length, atLeast: false });
      expect(idsOf(found)).toEqual(sinceTime);
      if (!edge || !before) return;
      const above = now.filter(({ id, time }) => time > before.time || (time === before.time && id < before.id));
      expect(idsOf(await read(gateway, edge.cursor))).toEqual(above.map(({ id }) => id));
    }),
    { numRuns: 100 },
  );
});

test('no call is made while the head of the list is cached, and `first` limits the edges alone', async () => {
  const gateway = await openAnna(90);
  const { edges } = await readPage(gateway, 'anna', 'fans', 20, null);
  gateway.sandbox.calls.reset();
  expect(await read(gateway, edges[15]?.cursor as string, 5)).toEqual({
    ...{ count: 15, atLeast: false },
    edges: edges.slice(0, 5).map(({ cursor, node }) => ({ cursor, node })),
  });
  expect(await read(gateway, LONG_AGO)).toMatchObject({ count: 90, atLeast: false });
  expect(callCounts(gateway)).toEqual({});
});

test('of very many, two calls count 1,100, and the answer says that there are more', async () => {
  const gateway = await openAnna(1101);
  expect(await read(gateway, LONG_AGO)).toMatchObject({ count: 1100, atLeast: true });
  expect(callCounts(gateway)).toEqual({ follow_get: 2 });
  const last = gateway.world.list('anna', 'fans')[1099];
  expect(await read(gateway, instantOf(last?.time as number))).toMatchObject({ count: 1099, atLeast: false });
});

test.each([
  ['a cursor of another list', 'follows', 'INVALID_CURSOR'],
  ['a time without its zone', '2026-01-01T00:00:00', 'BAD_USER_INPUT'],
  ['a count of seconds', '1767225600', 'BAD_USER_INPUT'],
  ['a day that there is not', '2026-02-29T00:00:00Z', 'BAD_USER_INPUT'],
  ['anything else', 'yesterday', 'INVALID_CURSOR'],
])('%s is refused without a call', async (_title, since, code) => {
  const gateway = await openAnna(1);
  gateway.world.follow('anna', 'crowd_000001');
  const { edges } = await readPage(gateway, 'anna', 'follows', 1, null);
  gateway.sandbox.calls.reset();
  const answer = await gateway.query(queryOf(since === 'follows' ? (edges[0]?.cursor as string) : since));
  expect(codesOf(answer)).toEqual([`user newFans ${code}`]);
  const message = /^"since" is not .* Give the cursor of an edge of the fans, or a date and time/;
  expect(answer.errors?.[0]?.message).toMatch(message);
  expect(callCounts(gateway)).toEqual({});
});
