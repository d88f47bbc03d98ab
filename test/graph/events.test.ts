// Subscriptions as the graph offers them: who may listen, what is refused, and what an event shows.
import { describe, expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import { type Answer, openGateway, type Replica } from '../support/gateway.ts';

const EVENTS = `subscription ($of: ID!) {
  followEvents(userId: $of) { __typename at ... on FanGained { user { id followsCount } } ... on MutualGained { user { id } } }
}`;
const PROFILES = `subscription ($of: [ID!]!) {
  profileChanged(userIds: $of) { __typename ... on ProfileChanged { user { id nick } } }
}`;
const MAY = {
  public: { nobody: true, olga: true, anna: true },
  authenticated: { nobody: false, olga: true, anna: true },
  self: { nobody: false, olga: false, anna: true },
} as const;

async function openWorld(env: Record<string, string> = {}) {
  const gateway = await openGateway({ env: { AUTH: 'development', ...env }, sandbox: { emptyWorld: true } });
  for (const id of ['anna', 'bert', 'olga']) gateway.sandbox.world.importAccount(id);
  return gateway;
}

const as = (viewer: string): Record<string, string> => (viewer === 'nobody' ? {} : { 'x-viewer-id': viewer });
const firstAnswer = async (...args: Parameters<typeof subscribe>) => (await subscribe(...args)).answer<Answer>();
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;

async function change(gateway: Pick<Replica, 'as'>, who: string, field: 'followUsers' | 'unfollowUsers', whom: string) {
  await gateway.as(who).data(`mutation { ${field}(input: { userIds: ["${whom}"] }) { results { __typename } } }`);
}

describe.each(Object.keys(MAY) as (keyof typeof MAY)[])('with fans that are %s', (setting) => {
  test.each(Object.keys(MAY[setting]) as (keyof typeof MAY.self)[])('%s may listen as the table says', async (who) => {
    const gateway = await openWorld({ LIST_VISIBILITY: `fans=${setting}` });
    const stream = await subscribe(gateway, EVENTS, { of: 'anna' }, as(who));
    const answer = stream.answer<Answer>();
    if (MAY[setting][who]) {
      await change(gateway, 'bert', 'followUsers', 'anna');
      expect((await answer).data?.followEvents).toMatchObject({ __typename: 'FanGained', user: { id: 'bert' } });
    } else {
      expect(codeOf(await answer)).toBe('FORBIDDEN');
    }
  });
});

test('a subscriber who may not see the mutuals is told of fans alone', async () => {
  const gateway = await openWorld({ LIST_VISIBILITY: 'fans=public,follows=public,mutuals=self' });
  const [other, self] = [
    await subscribe(gateway, EVENTS, { of: 'anna' }),
    await subscribe(gateway, EVENTS, { of: 'anna' }, as('anna')),
  ];
  await change(gateway, 'anna', 'followUsers', 'bert');
  await change(gateway, 'bert', 'followUsers', 'anna');
  await change(gateway, 'olga', 'followUsers', 'anna');
  const told = async (stream: typeof other, count: number) => {
    const types: unknown[] = [];
    for (let i = 0; i < count; i++) {
      const { data } = await stream.answer<{ data: { followEvents: { __typename: string } } }>();
      types.push(data.followEvents.__typename);
    }
    return types;
  };
  expect(await told(other, 2)).toEqual(['FanGained', 'FanGained']);
  expect(await told(self, 3)).toEqual(['FanGained', 'MutualGained', 'FanGained']);
});

test('the fields that an event selects are looked up for that event, not kept from the one before', async () => {
  const gateway = await openWorld();
  const stream = await subscribe(gateway, EVENTS, { of: 'anna' });
  const before = Date.now();
  await change(gateway, 'bert', 'followUsers', 'anna');
  const first = (await stream.answer<Answer>()).data?.followEvents as { at: string };
  expect(first).toMatchObject({ user: { id: 'bert', followsCount: 1 } });
  expect(Math.abs(Date.parse(first.at) - before)).toBeLessThan(3_600_000);
  await change(gateway, 'bert', 'followUsers', 'olga');
  await change(gateway, 'bert', 'unfollowUsers', 'anna');
  expect((await stream.answer<Answer>()).data?.followEvents).toMatchObject({ __typename: 'FanLost' });
  await change(gateway, 'bert', 'followUsers', 'anna');
  expect((await stream.answer<Answer>()).data?.followEvents).toMatchObject({ user: { id: 'bert', followsCount: 2 } });
});

test('a changed profile is shown as it is now', async () => {
  const gateway = await openWorld({ WEBHOOK_TOKEN: 'told-in-the-console', WEBHOOK_PATH: '/told' });
  gateway.sandbox.webhooks.connect({ url: `${gateway.url}/told`, token: 'told-in-the-console' });
  await gateway.data('{ user(id: "anna") { nick } }');
  const stream = await subscribe(gateway, PROFILES, { of: ['anna', 'bert'] });
  for (const nick of ['Anna', 'Anna B.']) {
    gateway.sandbox.act.setProfile('anna', { Tag_Profile_IM_Nick: nick });
    const { data } = await stream.answer<Answer>();
    expect(data?.profileChanged).toEqual({ __typename: 'ProfileChanged', user: { id: 'anna', nick } });
  }
});

test.each([
  ['nobody', []],
  ['more than a hundred', Array.from({ length: 101 }, (_, i) => `user${i}`)],
  ['somebody who cannot be', ['anna', 'no such id']],
])('profiles of %s cannot be listened to', async (_whose, of) => {
  expect(codeOf(await firstAnswer(await openWorld(), PROFILES, { of }))).toBe('BAD_USER_INPUT');
});

test('the fans of somebody who cannot be, or is known not to be, cannot be listened to', async () => {
  const gateway = await openWorld();
  expect(codeOf(await firstAnswer(gateway, EVENTS, { of: 'no such id' }))).toBe('BAD_USER_INPUT');
  await gateway.query('{ user(id: "ghost") { nick } }');
  expect(codeOf(await firstAnswer(gateway, EVENTS, { of: 'ghost' }))).toBe('USER_NOT_FOUND');
});
