// The whole way: somebody follows in their own app, the upstream tells one replica, and a subscriber hears of it at another.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { startRedis } from '../support/redis.ts';
import { FANS, gained, openPeople } from './people.ts';

const HOOKS = { WEBHOOK_TOKEN: 'token of the test', WEBHOOK_PATH: '/hooks' };
const LOST = `subscription { followEvents(userId: "star") { __typename ... on FanLost { user { id } } } }`;

async function openTwo() {
  const { url: REDIS_URL } = await startRedis();
  const told = await openPeople({ ...HOOKS, REDIS_URL, REDIS_TIMEOUT_MS: '5000' }, createRunningClock());
  const other = await told.openReplica();
  told.sandbox.webhooks.connect({ url: `${told.url}/hooks`, token: HOOKS.WEBHOOK_TOKEN });
  return { told, other };
}

test('a follow in somebody’s own app reaches a subscriber on another replica, and the list that they read next is fresh', async () => {
  const { told, other } = await openTwo();
  const { act } = told.sandbox;
  const readFans = () => other.data('{ user(id: "star") { fansCount fans { nodes { id } } } }');
  expect(await readFans()).toEqual({ user: { fansCount: 0, fans: { nodes: [] } } });
  const gains = await subscribe(other, FANS);
  act.follow('anna', 'star');
  expect(await gains.answer()).toEqual(gained('anna'));
  expect(await readFans()).toEqual({ user: { fansCount: 1, fans: { nodes: [{ id: 'anna' }] } } });

  const losses = await subscribe(other, LOST);
  act.unfollow('anna', 'star');
  expect(await losses.answer()).toEqual({
    data: { followEvents: { __typename: 'FanLost', user: { id: 'anna' } } },
  });
  expect(await readFans()).toEqual({ user: { fansCount: 0, fans: { nodes: [] } } });
});

test('a new name shows on another replica: in the event, in the profile, and in lists that were read before', async () => {
  const { told, other } = await openTwo();
  const { act, world } = told.sandbox;
  world.follow('anna', 'star');
  const NAMES = '{ user(id: "anna") { nick } star: user(id: "star") { fans { nodes { nick } } } }';
  expect(await other.data(NAMES)).toEqual({ user: { nick: null }, star: { fans: { nodes: [{ nick: null }] } } });
  const changes = await subscribe(
    other,
    'subscription { profileChanged(userIds: ["anna"]) { __typename ... on ProfileChanged { user { nick } } } }',
  );
  for (const nick of ['Anna', 'Ann']) {
    act.setProfile('anna', { Tag_Profile_IM_Nick: nick });
    expect(await changes.answer()).toEqual({
      data: { profileChanged: { __typename: 'ProfileChanged', user: { nick } } },
    });
    expect(await other.data(NAMES)).toEqual({ user: { nick }, star: { fans: { nodes: [{ nick }] } } });
  }
});
