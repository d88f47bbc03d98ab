// People to follow, over HTTP, against what the sandbox's world says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callCounts, type TestGateway } from '../support/gateway.ts';
import { at, codesOf, openWorld } from './world.ts';

type Suggestions = { isComplete: boolean; nodes: { user: { id: string }; via: { id: string }[] }[] };

async function read(gateway: TestGateway, viewer: string, first = 100) {
  const query = `{ suggestions(first: ${first}) { isComplete nodes { user { id } via { id } } } }`;
  const { isComplete, nodes } = at<Suggestions>(await gateway.as(viewer).data(query), 'suggestions');
  return { isComplete, found: nodes.map(({ user, via }) => [user.id, via.map(({ id }) => id)]) };
}

/** The users whom brute force suggests: everybody's follows counted, without a cap. */
function truth({ sandbox: { world } }: TestGateway, viewer: string, isHidden: (id: string) => boolean) {
  const follows = world.list(viewer, 'follows').map(({ id }) => id);
  const via = new Map<string, string[]>();
  for (const friend of follows)
    for (const { id } of world.list(friend, 'follows')) via.set(id, [...(via.get(id) ?? []), friend]);
  return [...via]
    .filter(([id, friends]) => friends.length > 1 && id !== viewer && !follows.includes(id) && !isHidden(id))
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
}

test('in worlds that the cap allows, the suggestions are those of brute force: never the viewer, nobody followed or blocked', async () => {
  const gateway = await openWorld();
  const { world, sandbox } = gateway;
  const edge = fc.tuple(fc.nat(14), fc.nat(14));
  let run = 0;
  let suggested = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(edge, { minLength: 60, maxLength: 160 }),
      fc.array(fc.nat(14), { maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      async (edges, blocked, first) => {
        const idOf = (n: number) => `w${run}_${n}`;
        run++;
        for (let n = 0; n <= 14; n++) world.importAccount(idOf(n));
        for (const [n, [from, to]] of edges.entries()) world.follow(idOf(from), idOf(to), 1_700_000_000 + n);
        for (const n of blocked) if (n > 0) sandbox.act.block(idOf(0), idOf(n));
        const expected = truth(gateway, idOf(0), (id) => blocked.some((n) => n > 0 && idOf(n) === id));
        suggested += expected.length;

        const answer = await read(gateway, idOf(0));
        expect(answer.found).toEqual(expected);
        expect(answer.isComplete).toBe(true);
        expect((await read(gateway, idOf(0), first)).found).toEqual(expected.slice(0, first));
      },
    ),
    { numRuns: 60 },
  );
  expect(suggested).toBeGreaterThan(100);
});

/** Anna follows `count` people, newest first p000, who all follow the star, and each some of their own. */
async function openAnna(count: number, env: Record<string, string> = {}) {
  const ids = Array.from({ length: count }, (_, n) => `p${String(n).padStart(3, '0')}`);
  const follows = ids.toReversed().flatMap((id) => [`${id} star`, `anna ${id}`]);
  const gateway = await openWorld({ people: ['anna', 'star', 'other', ...ids], env, follows });
  return { gateway, ids, world: gateway.world, clock: gateway.clock };
}

test('no more pages are read than SUGGESTIONS_MAX_CALLS, the newest follows’ first, and the answer says so', async () => {
  const { gateway, ids } = await openAnna(12, { SUGGESTIONS_MAX_CALLS: '8' });
  const answer = await read(gateway, 'anna');
  expect(answer).toMatchObject({ isComplete: false, found: [['star', ids.slice(0, 7)]] });
  expect(callCounts(gateway)).toEqual({ follow_get: 8, black_list_check: 1 });
  await read(gateway, 'anna');
  expect(callCounts(gateway)).toEqual({ follow_get: 8, black_list_check: 1 });
});

test('of long lists the head counts, which the follows screen shares, and the answer says so', async () => {
  const { gateway, world, ids } = await openAnna(2);
  for (let n = 0; n < 100; n++) {
    world.importAccount(`late${n}`);
    world.follow(ids[0] as string, `late${n}`, 1_700_001_000 + n);
  }
  await gateway.data('{ users(ids: ["p000", "p001"]) { follows { nodes { id } } } }');
  gateway.sandbox.calls.reset();
  expect(await read(gateway, 'anna')).toMatchObject({ isComplete: false, found: [] });
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('a user whom the viewer has just followed, or blocked, is suggested no more', async () => {
  const { gateway, world, ids } = await openAnna(3);
  for (const id of ids) world.follow(id, 'other');
  expect((await read(gateway, 'anna')).found.map(([id]) => id)).toEqual(['other', 'star']);
  const change = (field: string, id: string) =>
    gateway.as('anna').data(`mutation { ${field}(input: { userIds: ["${id}"] }) { viewer { id } } }`);
  await change('followUsers', 'star');
  expect((await read(gateway, 'anna')).found.map(([id]) => id)).toEqual(['other']);
  await change('blockUsers', 'other');
  expect((await read(gateway, 'anna')).found).toEqual([]);
});

test('a follow whose list cannot be read is left out, and the answer says so; when none can, it fails', async () => {
  const { gateway, ids } = await openAnna(4);
  gateway.faults.set({ error: { code: 30002, commands: ['follow_get'], every: 4, times: 1 } });
  const { found, isComplete } = await read(gateway, 'anna');
  expect([found[0]?.[1]?.length, isComplete]).toEqual([3, false]);
  // It was not kept.
  expect(await read(gateway, 'anna')).toEqual({ found: [['star', ids]], isComplete: true });
  const fresh = await gateway.openReplica({ LIST_FRESH_SECONDS: '0' });
  gateway.faults.set({ error: { code: 30002, commands: ['follow_get'] } });
  const answer = await fresh.as('anna').query('{ suggestions { isComplete } }');
  expect([answer.data, codesOf(answer)]).toEqual([{ suggestions: null }, ['suggestions UPSTREAM_MISCONFIGURED']]);
});

test('an anonymous viewer gets null, and lists that are not for the viewer suggest nobody', async () => {
  const { gateway } = await openAnna(3, { LIST_VISIBILITY: 'follows=self' });
  expect(await gateway.query('{ suggestions { isComplete } }')).toEqual({ data: { suggestions: null } });
  expect(await read(gateway, 'anna')).toMatchObject({ isComplete: true, found: [] });
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('of a viewer whose own list comes short it is asked whom they follow', async () => {
  const { gateway, world } = await openAnna(40);
  for (const id of ['p000', 'p001', 'p002']) world.follow(id, id === 'p002' ? 'star' : 'p039');
  gateway.faults.set({ shortPages: { keep: 1 } });
  const { found, isComplete } = await read(gateway, 'anna');
  expect(found.map(([id]) => id)).toEqual(['star']);
  expect(isComplete).toBe(false);
  expect(callCounts(gateway)).toEqual({ follow_get: 30, black_list_check: 1, follow_check: 1 });
});
