// How users stand to the viewer and to each other, and what that costs.
import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { openWorld } from './world.ts';

const STATE = 'viewerIsFollowing isFollowingViewer viewerCanFollow';

async function openCrowd(fans = 0) {
  const gateway = await openWorld({ people: ['me', 'you', 'other'] });
  gateway.world.addFans('star', fans);
  return gateway;
}

test('two viewers of 100 edges at the same time cost one call each, as the upstream takes one point of view a call', async () => {
  const gateway = await openCrowd(100);
  const ask = (id: string) =>
    gateway.as(id).data(`{ user(id: "star") { fans(first: 100) { nodes { id viewerIsFollowing } } } }`);
  await ask('other');
  gateway.sandbox.calls.reset();
  await Promise.all([ask('me'), ask('you')]);
  expect(callCounts(gateway)).toEqual({ follow_check: 2 });
});

test('an anonymous viewer gets null for every relation, without a call', async () => {
  const gateway = await openCrowd();
  expect(await gateway.data(`{ viewer { id } user(id: "star") { ${STATE} relationTo(userId: "you") } }`)).toEqual({
    viewer: null,
    user: { viewerIsFollowing: null, isFollowingViewer: null, viewerCanFollow: null, relationTo: null },
  });
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
  const gateway = await openCrowd();
  gateway.world.follow('me', 'you');
  gateway.world.follow('you', 'me');
  expect(await gateway.as('me').data(`{ viewer { ${list} { nodes { id ${field} } } } }`)).toEqual({
    viewer: { [list]: { nodes: [{ id: 'you', [field]: expected }] } },
  });
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test('the viewer stands in no relation to themself, and that costs nothing', async () => {
  const gateway = await openCrowd();
  expect(await gateway.as('me').data(`{ viewer { ${STATE} relationTo(userId: "me") } }`)).toEqual({
    viewer: { viewerIsFollowing: false, isFollowingViewer: false, viewerCanFollow: false, relationTo: 'NONE' },
  });
  expect(callCounts(gateway)).toEqual({});
});
