// Subscriptions as the graph offers them: what is refused, and what an event shows. Who may listen: visibility.test.ts.
import { expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';
import { at, change, codesOf, openWorld } from './world.ts';

const EVENTS = `subscription ($of: ID!) {
  followEvents(userId: $of) { __typename at ... on FanGained { user { id followsCount } } }
}`;

test('the fields that an event selects are looked up for that event, not kept from the one before', async () => {
  const gateway = await openWorld();
  const stream = await subscribe(gateway, EVENTS, { of: 'anna' });
  const before = gateway.clock.now();
  const follow = (...ids: string[]) => change(gateway, 'followUsers', 'bert', ids);
  const next = async () => at<{ at: string }>(await stream.answer(), 'data.followEvents');
  await follow('anna');
  const first = await next();
  expect(first).toMatchObject({ user: { id: 'bert', followsCount: 1 } });
  expect(Math.abs(Date.parse(first.at) - before)).toBeLessThan(3_600_000);
  await follow('cleo');
  await change(gateway, 'unfollowUsers', 'bert', ['anna']);
  expect(await next()).toMatchObject({ __typename: 'FanLost' });
  await follow('anna');
  expect(await next()).toMatchObject({ user: { id: 'bert', followsCount: 2 } });
});

test.each([
  ['nobody', [], 'BAD_USER_INPUT'],
  ['more than a hundred', Array.from({ length: 101 }, (_, i) => `user${i}`), 'BAD_USER_INPUT'],
  ['somebody who cannot be', ['anna', 'no such id'], 'BAD_USER_INPUT'],
  ['the fans of somebody who cannot be', 'no such id', 'BAD_USER_INPUT'],
  ['the fans of somebody who is known not to be', 'ghost', 'USER_NOT_FOUND'],
])('a subscription to %s is refused', async (_whose, of, code) => {
  const gateway = await openWorld();
  await gateway.query('{ user(id: "ghost") { nick } }');
  const profiles = 'subscription ($of: [ID!]!) { profileChanged(userIds: $of) { __typename } }';
  const stream = await subscribe(gateway, typeof of === 'string' ? EVENTS : profiles, { of });
  expect(codesOf(await stream.answer<Answer>())).toEqual([expect.stringContaining(code)]);
});
