// A client that comes back with the cursor of its last event misses nothing, or is told that it may have.
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createChangeStream } from '../../src/cache/change-stream.ts';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { createChangeReader, type FollowChange } from '../../src/follow/changes.ts';
import { createSubscriptions } from '../../src/follow/subscriptions.ts';
import { connectRedis } from '../../src/redis/connect.ts';
import { createRunningClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';
import { EVERYTHING, openSubscriptions, take, writerOf } from './open-subscriptions.ts';

const person = fc.constantFrom('anna', 'bob', 'cleo');
const changes: fc.Arbitrary<FollowChange[]> = fc.array(
  fc
    .record({
      type: fc.constantFrom('followed' as const, 'unfollowed' as const),
      from: person,
      to: person,
      at: fc.constant(0),
      mutual: fc.boolean(),
    })
    .filter(({ from, to }) => from !== to),
  { maxLength: 12 },
);
/** Minutes apart, so that the same change counts as another one. */
const apart = (made: readonly FollowChange[], from: number) =>
  made.map((change, i) => ({ ...change, at: (from + i) * 200_000 }));

/** How many events these make for anna. */
function countEvents(made: readonly FollowChange[]): number {
  const gained = made.filter(
    ({ from, to, type, mutual }) => type === 'followed' && mutual && [from, to].includes('anna'),
  );
  return gained.length + made.filter(({ to }) => to === 'anna').length;
}

test('a resumed subscription brings the rest after any event, each event once, also while more changes arrive', async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, async (first, second) => {
      const [early, late] = [apart(first, 0), apart(second, first.length)];
      const { subscriptions, write } = openSubscriptions();
      const whole = subscriptions.followEvents('anna', EVERYTHING);
      for (const change of early) await write(change);
      const before = await take(whole, countEvents(early));
      const resumed = before.map(({ cursor }) => subscriptions.followEvents('anna', { ...EVERYTHING, after: cursor }));
      // The past is still being read while these come.
      const written = late.map(write);
      const events = [...before, ...(await take(whole, countEvents(late)))];
      await Promise.all(written);
      for (const [i, after] of resumed.entries()) {
        const rest = events.slice(i + 1);
        expect(await take(after, rest.length)).toEqual(rest);
      }
      // No subscriber has anything left to take.
      subscriptions.close();
      for (const after of [whole, ...resumed]) expect(await after.next()).toMatchObject({ done: true });
    }),
  );
});

test('profiles’ events are resumed alike, those of the named users alone', async () => {
  const { subscriptions, follow, changeProfile } = openSubscriptions();
  const cursor = await changeProfile('anna');
  await changeProfile('bob');
  await follow('bob', 'anna');
  await changeProfile('anna');
  await changeProfile('cleo');
  const resumed = subscriptions.profileEvents(['anna', 'cleo'], { after: cursor });
  expect(await take(resumed, 2)).toMatchObject([{ userId: 'anna' }, { userId: 'cleo' }]);
});

test.each(['', ' ', '1', 'x-1', '1-1-1', '1-1~2', '1-1~1~1', '-1-1', '1-1.1.1', '1e3-0', '9'.repeat(17), '1-1\n'])(
  'a cursor that never was one, %j, is refused',
  (after) => {
    const { subscriptions } = openSubscriptions();
    const invalid = expect.objectContaining({ code: 'INVALID_CURSOR' });
    expect(() => subscriptions.followEvents('anna', { ...EVERYTHING, after })).toThrow(invalid);
    expect(() => subscriptions.profileEvents(['anna'], { after })).toThrow(invalid);
    expect(subscriptions.count()).toBe(0);
  },
);

describe('a cursor from before what is kept', () => {
  test.each(['the user', 'somebody else'])('says so first, when events of %s were dropped', async (whom) => {
    const { subscriptions, follow } = openSubscriptions({ maxLength: 10 });
    const cursor = await follow('bob', 'anna');
    for (let i = 0; i < 14; i++) await follow(`fan${i}`, whom === 'somebody else' ? 'cleo' : 'anna');
    const resumed = subscriptions.followEvents('anna', { ...EVERYTHING, after: cursor });
    const [missed] = await take(resumed, 1);
    expect(missed).toMatchObject({ type: 'missed' });
    await follow('dora', 'anna');
    expect(await take(resumed, 1)).toMatchObject([{ type: 'fan-gained', userId: 'dora' }]);
    const again = subscriptions.followEvents('anna', { ...EVERYTHING, after: missed?.cursor ?? '' });
    expect(await take(again, 1)).toMatchObject([{ type: 'fan-gained', userId: 'dora' }]);
  });

  test('within an entry says so when its second event is dropped', async () => {
    const { subscriptions, follow } = openSubscriptions({ maxLength: 10 });
    const events = subscriptions.followEvents('anna', EVERYTHING);
    await follow('bob', 'anna', true);
    const [fan] = await take(events, 1);
    for (let i = 0; i < 9; i++) await follow(`fan${i}`, 'cleo');
    const resume = () => subscriptions.followEvents('anna', { ...EVERYTHING, after: fan?.cursor ?? '' });
    expect(await take(resume(), 1)).toMatchObject([{ type: 'mutual-gained', userId: 'bob' }]);
    for (let i = 9; i < 13; i++) await follow(`fan${i}`, 'cleo');
    expect(await take(resume(), 1)).toMatchObject([{ type: 'missed' }]);
  });
});

describe('on replicas that share a Redis', () => {
  async function openReplicas() {
    const server = await startRedis();
    const clock = createRunningClock();
    async function openReplica({ follows = true } = {}) {
      const redis = await connectRedis({ nodes: [new URL(server.url)] });
      const link = createRedisLink({ redis, clock, timeoutMs: 1000, onChange() {} });
      onTestFinished(() => link.close());
      const stream = createChangeStream({
        redis: { link, client: redis },
        key: 'test:subscriptions',
        maxLength: 100,
        read: createChangeReader(),
        clock,
      });
      const subscriptions = createSubscriptions({ stream, clock, maxSubscriptions: 100 });
      onTestFinished(() => {
        subscriptions.close();
        stream.close();
      });
      if (follows) await stream.ready();
      return { stream, subscriptions, ...writerOf(stream) };
    }
    return { server, openReplica };
  }

  test('a Redis that comes back empty is told to every subscriber, and the cursor of that resumes', async () => {
    const { server, openReplica } = await openReplicas();
    const [a, b] = [await openReplica(), await openReplica()];
    const onB = b.subscriptions.followEvents('anna', EVERYTHING);
    const quiet = b.subscriptions.profileEvents(['anna'], { after: null });
    const cursor = await a.follow('bob', 'anna');
    expect(await take(onB, 1)).toMatchObject([{ type: 'fan-gained', userId: 'bob' }]);
    await server.restart();
    expect(await take(quiet, 1)).toMatchObject([{ type: 'missed' }]);
    const [missed] = await take(onB, 1);
    expect(missed).toMatchObject({ type: 'missed' });
    await vi.waitFor(() => expect(a.stream.since(cursor)).toMatchObject({ complete: false }), 10_000);

    const lost = a.subscriptions.followEvents('anna', { ...EVERYTHING, after: cursor });
    expect(await take(lost, 1)).toMatchObject([{ type: 'missed' }]);
    await a.follow('cleo', 'anna');
    for (const events of [onB, lost]) {
      // Two who noticed it at different times may both have said so.
      for await (const event of events) {
        if (event.type === 'missed') continue;
        expect(event).toMatchObject({ type: 'fan-gained', userId: 'cleo' });
        break;
      }
    }
  });
});
