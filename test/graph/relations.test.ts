// How users stand to the viewer and to each other, and what that costs.
import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { openWorld } from './world.ts';

const STATE = 'viewerIsFollowing isFollowingViewer viewerCanFollow';

async function openCrowd(fans = 150) {
  const gateway = await openWorld({ people: ['me', 'you', 'other'] });
  gateway.world.addFans('star', fans);
  const ids = gateway.world.list('star', 'fans').map(({ id }) => id) as [string, string];
  return { gateway, world: gateway.world, ids };
}

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
  const field = (id: string, i: number) => `r${i}: user(id: "star") { ${STATE} relationTo(userId: "${id}") }`;
  const data = await gateway.data(`{ viewer { id } ${ids.map(field).join('\n')} }`);
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
  expect(await gateway.as('me').data(`{ viewer { ${list} { nodes { id ${field} } } } }`)).toEqual({
    viewer: { [list]: { nodes: [{ id: 'you', [field]: expected }] } },
  });
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('the viewer stands in no relation to themself, and that costs nothing', async () => {
  const { gateway } = await openCrowd(0);
  expect(await gateway.as('me').data(`{ viewer { ${STATE} relationTo(userId: "me") } }`)).toEqual({
    viewer: { viewerIsFollowing: false, isFollowingViewer: false, viewerCanFollow: false, relationTo: 'NONE' },
  });
  expect(callCounts(gateway)).toEqual({});
});
