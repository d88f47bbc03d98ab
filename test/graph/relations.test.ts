// How users stand to the viewer and to each other, and what that costs.
import { expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { callCounts, openGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';

const STATE = 'viewerIsFollowing isFollowingViewer viewerCanFollow';

async function openCrowd(fans = 150) {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env: { AUTH: 'development' }, sandbox: { emptyWorld: true, clock } });
  const { world } = gateway.sandbox;
  world.addFans('star', fans);
  for (const id of ['me', 'you', 'other']) world.importAccount(id);
  const ids = world.list('star', 'fans').map(({ id }) => id);
  return { gateway, world, ids, clock };
}

test('100 edges with the viewer’s state cost one list call and one check call', async () => {
  const { gateway, world, ids } = await openCrowd();
  world.follow('me', ids[0] as string);
  world.follow(ids[1] as string, 'me');
  const { user } = await gateway
    .as('me')
    .data<{ user: { fans: { edges: { node: Record<string, unknown> }[] } } }>(
      `{ user(id: "star") { fans(first: 100) { edges { node { id ${STATE} } } } } }`,
    );
  const byId = Object.fromEntries(user.fans.edges.map(({ node: { id, ...state } }) => [id, state]));
  expect(byId[ids[0] as string]).toEqual({ viewerIsFollowing: true, isFollowingViewer: false, viewerCanFollow: false });
  expect(byId[ids[1] as string]).toEqual({ viewerIsFollowing: false, isFollowingViewer: true, viewerCanFollow: true });
  expect(callCounts(gateway)).toEqual({ follow_get: 1, follow_check: 1 });
});

test.each(['from one user to 45', 'from 45 users to the viewer'])(
  '45 aliases of relationTo %s cost one call',
  async (way) => {
    const { gateway, world, ids } = await openCrowd(45);
    world.follow('me', ids[0] as string);
    world.follow(ids[0] as string, 'me');
    world.follow(ids[1] as string, 'me');
    const outward = way === 'from one user to 45';
    const fields = ids.map((id, i) => {
      const [from, to] = outward ? ['me', id] : [id, 'me'];
      return `r${i}: user(id: "${from}") { relationTo(userId: "${to}") }`;
    });
    const data = await gateway.as('me').data<Record<string, { relationTo: string }>>(`{ ${fields.join('\n')} }`);
    expect(data.r0?.relationTo).toBe('MUTUAL');
    expect(data.r1?.relationTo).toBe(outward ? 'FAN' : 'FOLLOWING');
    expect(data.r2?.relationTo).toBe('NONE');
    expect(callCounts(gateway)).toEqual({ follow_check: 1 });
  },
);

test('two viewers of 100 edges at the same time cost one call each, as the upstream takes one point of view a call', async () => {
  const { gateway } = await openCrowd();
  const ask = (id: string) =>
    gateway.as(id).data(`{ user(id: "star") { fans(first: 100) { nodes { id viewerIsFollowing } } } }`);
  await ask('other');
  gateway.sandbox.calls.reset();
  await Promise.all([ask('me'), ask('you')]);
  expect(callCounts(gateway)).toEqual({ follow_check: 2 });
});

test('an anonymous viewer gets null for every relation, without a call', async () => {
  const { gateway, ids } = await openCrowd(45);
  const data = await gateway.data<Record<string, unknown>>(
    `{ viewer { id } ${ids.map((id, i) => `r${i}: user(id: "star") { ${STATE} relationTo(userId: "${id}") }`).join('\n')} }`,
  );
  const nothing = { viewerIsFollowing: null, isFollowingViewer: null, viewerCanFollow: null, relationTo: null };
  expect(data).toEqual({ viewer: null, ...Object.fromEntries(ids.map((_, i) => [`r${i}`, nothing])) });
  expect(callCounts(gateway)).toEqual({});
});

test.each([
  ['follows', 'viewerIsFollowing', true],
  ['follows', 'viewerCanFollow', false],
  ['fans', 'isFollowingViewer', true],
  ['mutuals', 'viewerIsFollowing', true],
  ['mutuals', 'isFollowingViewer', true],
  ['mutuals', 'viewerCanFollow', false],
])('a member of the viewer’s own %s needs no call for %s', async (list, field, expected) => {
  const { gateway, world } = await openCrowd(0);
  world.follow('me', 'you');
  world.follow('you', 'me');
  const { viewer } = await gateway
    .as('me')
    .data<{ viewer: Record<string, { nodes: Record<string, unknown>[] }> }>(
      `{ viewer { ${list} { nodes { id ${field} } } } }`,
    );
  expect(viewer[list]?.nodes).toEqual([{ id: 'you', [field]: expected }]);
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('the viewer stands in no relation to themself, and that costs nothing', async () => {
  const { gateway } = await openCrowd(0);
  const { viewer } = await gateway
    .as('me')
    .data<{ viewer: unknown }>(`{ viewer { ${STATE} relationTo(userId: "me") } }`);
  expect(viewer).toEqual({
    viewerIsFollowing: false,
    isFollowingViewer: false,
    viewerCanFollow: false,
    relationTo: 'NONE',
  });
  expect(callCounts(gateway)).toEqual({});
});

test('one unknown user fails its own relation and no other', async () => {
  const { gateway, world } = await openCrowd(0);
  world.follow('me', 'you');
  const { data, errors } = await gateway
    .as('me')
    .query(
      '{ viewer { a: relationTo(userId: "nobody") b: relationTo(userId: "you") c: relationTo(userId: "no body") } }',
    );
  expect(data).toEqual({ viewer: { a: null, b: 'FOLLOWING', c: null } });
  expect(errors?.map(({ path, extensions }) => [path?.[1], extensions.code])).toEqual(
    expect.arrayContaining([
      ['a', 'USER_NOT_FOUND'],
      ['c', 'BAD_USER_INPUT'],
    ]),
  );
});

test('viewers who read and change at once over one Redis never see each other’s relations or known fans', async () => {
  const { url: REDIS_URL } = await startRedis();
  const gateway = await openGateway({ env: { AUTH: 'development', REDIS_URL }, sandbox: { emptyWorld: true } });
  const other = await gateway.openReplica();
  const { world } = gateway.sandbox;
  const viewers = Array.from({ length: 12 }, (_, i) => `viewer_${i}`);
  for (const id of ['star', ...viewers]) world.importAccount(id);
  for (const id of viewers) world.follow(id, 'star');
  const next = (i: number, step = 1) => viewers[(i + step) % viewers.length] as string;
  const ask = async (id: string, i: number) => {
    const replica = i % 2 ? gateway : other;
    await replica
      .as(id)
      .data(`mutation { followUsers(input: { userIds: ["${next(i)}"] }) { results { __typename } } }`);
    for (const where of [gateway, other]) {
      const data = await where.as(id).data<{
        user: { viewerIsFollowing: boolean };
        over: { viewerIsFollowing: boolean };
        star: { knownFans: { count: number; nodes: { id: string }[] } };
      }>(`{
        user(id: "${next(i)}") { viewerIsFollowing }
        over: user(id: "${next(i, 2)}") { viewerIsFollowing }
        star: user(id: "star") { knownFans { count nodes { id } } }
      }`);
      expect(data).toEqual({
        user: { viewerIsFollowing: true },
        over: { viewerIsFollowing: false },
        star: { knownFans: { count: 1, nodes: [{ id: next(i) }] } },
      });
    }
  };
  await Promise.all(viewers.map(ask));
});
