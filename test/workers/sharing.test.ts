// Several workers without Redis are one gateway: what one does, the others know.
import { expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import { startRedis } from '../support/redis.ts';
import { connectToEach, startWorkers } from './start-workers.ts';

const FANS = '{ user(id: "UserID_001") { fansCount fans { nodes { id } } } }';

const fans = (...ids: string[]) => ({
  data: { user: { fansCount: ids.length, fans: { nodes: ids.map((id) => ({ id })) } } },
});

const change = (field: 'followUsers' | 'unfollowUsers') =>
  `mutation { ${field}(input: { userIds: ["UserID_001"] }) { results { __typename } } }`;
const changed = (field: 'followUsers' | 'unfollowUsers') => ({
  data: { [field]: { results: [{ __typename: 'FollowChanged' }] } },
});

test('a follow at one worker is in the next read at the other, and so is its end', async () => {
  const [first, second] = await connectToEach(await startWorkers());
  // Remembered by both.
  for (const { ask } of [first, second]) expect(await ask(FANS)).toEqual(fans('UserID_002', 'UserID_003'));
  expect(await first.ask(change('followUsers'), 'hermit')).toEqual(changed('followUsers'));
  expect(await second.ask(FANS)).toEqual(fans('hermit', 'UserID_002', 'UserID_003'));
  expect(await second.ask(change('unfollowUsers'), 'hermit')).toEqual(changed('unfollowUsers'));
  expect(await first.ask(FANS)).toEqual(fans('UserID_002', 'UserID_003'));
});

test('a subscriber hears what happens at each worker, in the order in which it happened', async () => {
  const gateway = await startWorkers();
  const [first, second] = await connectToEach(gateway);
  const stream = await subscribe(
    gateway,
    'subscription { followEvents(userId: "UserID_001") { __typename ... on FanGained { user { id } } } }',
  );
  await first.ask(change('followUsers'), 'hermit');
  await second.ask(change('followUsers'), 'user_00007');
  await second.ask(change('unfollowUsers'), 'hermit');
  const gained = (id: string) => ({ data: { followEvents: { __typename: 'FanGained', user: { id } } } });
  expect(await stream.answer()).toEqual(gained('hermit'));
  expect(await stream.answer()).toEqual(gained('user_00007'));
  expect(await stream.answer()).toEqual({ data: { followEvents: { __typename: 'FanLost' } } });
});

test('workers that are both in a rush keep to one budget, and one that is alone in it has all of it', async () => {
  // 17 calls a second are planned, of each command.
  const gateway = await startWorkers({ UPSTREAM_RATE: '20', REQUEST_DEADLINE_MS: '2000' });
  const [first, second] = await connectToEach(gateway);
  const profiles = (from: number) => {
    const names = Array.from({ length: 60 }, (_, n) => `user_${String(from + n).padStart(5, '0')}`);
    return `{ ${names.map((id, n) => `n${n}: user(id: "${id}") { fans(first: 1) { nodes { id } } }`).join(' ')} }`;
  };
  const busiestSecond = async (): Promise<number> => {
    const answer = await fetch(`${gateway.sandboxUrl}/sandbox/calls`);
    const { commands } = (await answer.json()) as { commands: Record<string, { busiestSecond: number }> };
    return commands.follow_get?.busiestSecond ?? 0;
  };
  await first.ask(profiles(100));
  // More than half of it, which a fixed share would be.
  expect(await busiestSecond()).toBeGreaterThan(12);
  await Promise.all([first.ask(profiles(200)), second.ask(profiles(300))]);
  // Two budgets would be 34.
  expect(await busiestSecond()).toBeLessThan(26);
});

test('with Redis workers are replicas like any others: one budget, and what happens at one is told at the other', async () => {
  const { url } = await startRedis();
  const gateway = await startWorkers({ REDIS_URL: url, METRICS_PORT: '0' });
  const [, page = ''] = await gateway.said(/"url":"(http:[^"]+\/metrics)"/);
  const [first, second] = await connectToEach(gateway);
  const stream = await subscribe(gateway, 'subscription { followEvents(userId: "UserID_001") { __typename } }');
  await first.ask(change('followUsers'), 'hermit');
  await second.ask(change('unfollowUsers'), 'hermit');
  const told = (__typename: string) => ({ data: { followEvents: { __typename } } });
  expect(await stream.answer()).toEqual(told('FanGained'));
  expect(await stream.answer()).toEqual(told('FanLost'));
  const metrics = await (await fetch(page)).text();
  expect(metrics).toMatch(/^follow_gateway_redis_up 1$/m);
  expect(metrics).toMatch(/^follow_gateway_budget_shared\{command="follow_add"\} 1$/m);
});
