// How many upstream calls a screen costs.
import { expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { callCounts, openGateway } from '../support/gateway.ts';

const aliases = (ids: readonly string[], selection: string) =>
  `{ ${ids.map((id, i) => `u${i}: user(id: "${id}") { ${selection} }`).join('\n')} }`;

async function openCrowd(count: number, env = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env, sandbox: { emptyWorld: true, clock } });
  gateway.sandbox.world.addFans('star', count);
  const ids = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
  return { gateway, ids, clock };
}

test('100 edges with nick, avatar and follow time cost one call', async () => {
  const { gateway } = await openCrowd(150);
  const { user } = await gateway.data<{ user: { fans: { edges: unknown[] } } }>(
    '{ user(id: "star") { fans(first: 100) { edges { followedAt node { id nick avatar } } } } }',
  );
  expect(user.fans.edges).toHaveLength(100);
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('five pages of 20 cost one call within the life of a chunk, and one renewal after it', async () => {
  const { gateway, clock } = await openCrowd(150);
  const walk = async () => {
    for (let page = 0, after: string | null = null; page < 5; page++) {
      const { user }: { user: { fans: { pageInfo: { endCursor: string } } } } = await gateway.data(
        'query ($after: String) { user(id: "star") { fans(first: 20, after: $after) { nodes { nick } pageInfo { endCursor } } } }',
        { after },
      );
      after = user.fans.pageInfo.endCursor;
    }
  };
  await walk();
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
  clock.advance(26_000);
  await walk();
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
  clock.advance(4_000);
  await walk();
  await walk();
  expect(callCounts(gateway)).toEqual({ follow_get: 2 });
});

test('250 users’ names by aliases cost three portrait_get', async () => {
  const { gateway, ids } = await openCrowd(250, { MAX_ALIASES: '250', MAX_TOKENS: '5000' });
  const data = await gateway.data<Record<string, { nick: string }>>(aliases(ids, 'nick'));
  expect(Object.values(data).every(({ nick }) => nick.startsWith('Crowd'))).toBe(true);
  expect(callCounts(gateway)).toEqual({ portrait_get: 3 });
});

test('three counts of 45 users cost three follow_get_info', async () => {
  const { gateway, ids } = await openCrowd(45);
  const data = await gateway.data<Record<string, unknown>>(aliases(ids, 'fansCount followsCount mutualsCount'));
  expect(Object.values(data)).toEqual(ids.map(() => ({ fansCount: 0, followsCount: 1, mutualsCount: 0 })));
  expect(callCounts(gateway)).toEqual({ follow_get_info: 3 });
});

test('a list’s total and its user’s counts come from one call', async () => {
  const { gateway } = await openCrowd(45);
  const { user } = await gateway.data<{ user: { fansCount: number; fans: { totalCount: number } } }>(
    '{ user(id: "star") { fansCount fans(first: 5) { totalCount nodes { id } } follows { totalCount } } }',
  );
  expect([user.fansCount, user.fans.totalCount]).toEqual([45, 45]);
  expect(callCounts(gateway)).toEqual({ follow_get: 1, follow_get_info: 1 });
});

test.each([
  ['ids alone', '{ users(ids: ["a", "b"]) { id } node(id: "c") { __typename id } }', {}],
  ['a total alone', '{ user(id: "star") { fans { totalCount } } }', { follow_get_info: 1 }],
  [
    'a total behind fragments',
    '{ user(id: "star") { fans { ...T ... { __typename } } } } fragment T on FollowConnection { totalCount }',
    { follow_get_info: 1 },
  ],
  [
    'counts of list members',
    '{ user(id: "star") { fans(first: 40) { nodes { followsCount } } } }',
    { follow_get: 1, follow_get_info: 2 },
  ],
  [
    'a profile asked for three times',
    '{ a: user(id: "star") { nick } b: user(id: "star") { avatar customFields { key } } node(id: "star") { ... on User { level } } }',
    { portrait_get: 1 },
  ],
  [
    'the same list asked for three times at once',
    '{ a: user(id: "star") { fans(first: 1) { nodes { id } } } b: user(id: "star") { fans(first: 50) { nodes { id } } } c: user(id: "star") { fans { pageInfo { hasNextPage } } } }',
    { follow_get: 1 },
  ],
])('%s cost no more than needed', async (_title, query, expected) => {
  const { gateway } = await openCrowd(45);
  await gateway.data(query);
  expect(callCounts(gateway)).toEqual(expected);
});

test('pages that came without profiles are filled by one portrait_get', async () => {
  const { gateway } = await openCrowd(45);
  gateway.sandbox.faults.set({ missingProfileItem: { commands: ['follow_get'] } });
  const { user } = await gateway.data<{ user: { fans: { nodes: { nick: string }[] } } }>(
    '{ user(id: "star") { fans(first: 40) { nodes { nick level } } } }',
  );
  expect(user.fans.nodes.every(({ nick }) => nick.startsWith('Crowd'))).toBe(true);
  expect(callCounts(gateway)).toEqual({ follow_get: 1, portrait_get: 1 });
});

test('with EMBEDDED_PROFILE=partial only the tags that are absent are asked for', async () => {
  const { gateway } = await openCrowd(45, { EMBEDDED_PROFILE: 'partial' });
  await gateway.data('{ user(id: "star") { fans(first: 40) { nodes { nick } } } }');
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
  await gateway.data('{ user(id: "star") { fans(first: 40) { nodes { nick level } } } }');
  expect(callCounts(gateway)).toEqual({ follow_get: 1, portrait_get: 1 });
});
