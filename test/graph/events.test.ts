// Subscriptions as the graph offers them: who may listen, what is refused, and what an event shows.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';
import { asViewer, at, change, codesOf, openWorld, type WorldOptions } from './world.ts';

const EVENTS = `subscription ($of: ID!) {
  followEvents(userId: $of) { __typename at ... on FanGained { user { id followsCount } } ... on MutualGained { user { id } } }
}`;
const PROFILES = `subscription ($of: [ID!]!) {
  profileChanged(userIds: $of) { __typename ... on ProfileChanged { user { id nick } } }
}`;
const MAY: Record<'public' | 'authenticated' | 'self', (string | null)[]> = {
  public: [null, 'olga', 'anna'],
  authenticated: ['olga', 'anna'],
  self: ['anna'],
};

const open = (options: WorldOptions = {}) => openWorld({ people: ['anna', 'bert', 'olga'], ...options });
const firstAnswer = async (...args: Parameters<typeof subscribe>) => (await subscribe(...args)).answer<Answer>();

const CASES = Object.entries(MAY).flatMap(([setting, may]) =>
  MAY.public.map((who) => ({ setting, who, isAllowed: may.includes(who) })),
);

test.each(CASES)('with fans that are $setting, $who may listen: $isAllowed', async ({ setting, who, isAllowed }) => {
  const gateway = await open({ env: { LIST_VISIBILITY: `fans=${setting}` } });
  const stream = await subscribe(gateway, EVENTS, { of: 'anna' }, asViewer(who));
  const answer = stream.answer<Answer>();
  if (isAllowed) await change(gateway, 'followUsers', 'bert', ['anna']);
  const { data, ...rest } = await answer;
  expect(codesOf(rest)).toEqual(isAllowed ? undefined : ['followEvents FORBIDDEN']);
  if (isAllowed) expect(data?.followEvents).toMatchObject({ __typename: 'FanGained', user: { id: 'bert' } });
});

test('a subscriber who may not see the mutuals is told of fans alone', async () => {
  const gateway = await open({ env: { LIST_VISIBILITY: 'fans=public,follows=public,mutuals=self' } });
  const other = await subscribe(gateway, EVENTS, { of: 'anna' });
  const self = await subscribe(gateway, EVENTS, { of: 'anna' }, asViewer('anna'));
  await change(gateway, 'followUsers', 'anna', ['bert']);
  for (const fan of ['bert', 'olga']) await change(gateway, 'followUsers', fan, ['anna']);
  const expectTold = async (stream: EventStream, types: string[]) => {
    for (const type of types) expect(at(await stream.answer(), 'data.followEvents.__typename')).toBe(type);
  };
  await expectTold(other, ['FanGained', 'FanGained']);
  await expectTold(self, ['FanGained', 'MutualGained', 'FanGained']);
});

test('the fields that an event selects are looked up for that event, not kept from the one before', async () => {
  const gateway = await open();
  const stream = await subscribe(gateway, EVENTS, { of: 'anna' });
  const before = gateway.clock.now();
  const follow = (...ids: string[]) => change(gateway, 'followUsers', 'bert', ids);
  const next = async () => at<{ at: string }>(await stream.answer(), 'data.followEvents');
  await follow('anna');
  const first = await next();
  expect(first).toMatchObject({ user: { id: 'bert', followsCount: 1 } });
  expect(Math.abs(Date.parse(first.at) - before)).toBeLessThan(3_600_000);
  await follow('olga');
  await change(gateway, 'unfollowUsers', 'bert', ['anna']);
  expect(await next()).toMatchObject({ __typename: 'FanLost' });
  await follow('anna');
  expect(await next()).toMatchObject({ user: { id: 'bert', followsCount: 2 } });
});

test('a changed profile is shown as it is now', async () => {
  const gateway = await open({ clock: createRunningClock(), hasWebhooks: true });
  await gateway.data('{ user(id: "anna") { nick } }');
  const stream = await subscribe(gateway, PROFILES, { of: ['anna', 'bert'] });
  for (const nick of ['Anna', 'Anna B.']) {
    gateway.sandbox.act.setProfile('anna', { Tag_Profile_IM_Nick: nick });
    const event = { __typename: 'ProfileChanged', user: { id: 'anna', nick } };
    expect(await stream.answer()).toEqual({ data: { profileChanged: event } });
  }
});

test.each([
  ['nobody', []],
  ['more than a hundred', Array.from({ length: 101 }, (_, i) => `user${i}`)],
  ['somebody who cannot be', ['anna', 'no such id']],
])('profiles of %s cannot be listened to', async (_whose, of) => {
  expect(codesOf(await firstAnswer(await open(), PROFILES, { of }))).toEqual(['profileChanged BAD_USER_INPUT']);
});

test('the fans of somebody who cannot be, or is known not to be, cannot be listened to', async () => {
  const gateway = await open();
  const listen = async (of: string) => codesOf(await firstAnswer(gateway, EVENTS, { of }));
  expect(await listen('no such id')).toEqual(['followEvents BAD_USER_INPUT']);
  await gateway.query('{ user(id: "ghost") { nick } }');
  expect(await listen('ghost')).toEqual(['followEvents USER_NOT_FOUND']);
});
