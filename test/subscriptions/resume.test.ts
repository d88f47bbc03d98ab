// A client that comes back with the cursor of its last event misses nothing, or is told that it may have.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FollowChange } from '../../src/follow/changes.ts';
import { openTwo } from '../graph/world.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';
import { AT, openSubscriptions, take } from './open-subscriptions.ts';
import { follow } from './people.ts';

const person = fc.constantFrom('anna', 'bob', 'cleo');
const type = fc.constantFrom('followed' as const, 'unfollowed' as const);
const change = fc.record({ type, from: person, to: person, at: fc.constant(0), mutual: fc.boolean() });
const changes = fc.array(
  change.filter(({ from, to }) => from !== to),
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
      const { subscriptions, write, listen } = openSubscriptions();
      const whole = listen('anna');
      for (const change of early) await write(change);
      const before = await take(whole, countEvents(early));
      const resumed = before.map(({ cursor }) => listen('anna', { after: cursor }));
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

test('profiles’ events are resumed alike, those of the named users alone, and each once', async () => {
  const { subscriptions, follow, changeProfile } = openSubscriptions();
  const cursor = await changeProfile('anna');
  await changeProfile('bob');
  await follow('bob', 'anna');
  for (const seconds of [1, 2, 1, 2]) await changeProfile('anna', AT + seconds * 1000);
  await changeProfile('cleo');
  const resumed = subscriptions.profileEvents(['anna', 'cleo'], { after: cursor });
  expect(await take(resumed, 3)).toMatchObject([{ userId: 'anna' }, { userId: 'anna' }, { userId: 'cleo' }]);
});

test.each(['', ' ', '1', 'x-1', '1-1-1', '1-1~2', '1-1~1~1', '-1-1', '1-1.1.1', '1e3-0', '9'.repeat(17), '1-1\n'])(
  'a cursor that never was one, %j, is refused',
  (after) => {
    const { subscriptions, listen } = openSubscriptions();
    const invalid = expect.objectContaining({ code: 'INVALID_CURSOR' });
    expect(() => listen('anna', { after })).toThrow(invalid);
    expect(() => subscriptions.profileEvents(['anna'], { after })).toThrow(invalid);
    expect(subscriptions.count()).toBe(0);
  },
);

describe('a cursor from before what is kept', () => {
  test.each(['the user', 'somebody else'])('says so first, when events of %s were dropped', async (whom) => {
    const { follow, listen } = openSubscriptions({ maxLength: 10 });
    const cursor = await follow('bob', 'anna');
    for (let i = 0; i < 14; i++) await follow(`fan${i}`, whom === 'somebody else' ? 'cleo' : 'anna');
    const resumed = listen('anna', { after: cursor });
    const [missed] = await take(resumed, 1);
    expect(missed).toMatchObject({ type: 'EventsMissed' });
    await follow('dora', 'anna');
    expect(await take(resumed, 1)).toMatchObject([{ type: 'FanGained', userId: 'dora' }]);
    const again = listen('anna', { after: missed?.cursor ?? '' });
    expect(await take(again, 1)).toMatchObject([{ type: 'FanGained', userId: 'dora' }]);
  });

  test('within an entry says so when its second event is dropped', async () => {
    const { follow, listen } = openSubscriptions({ maxLength: 10 });
    const events = listen('anna');
    await follow('bob', 'anna', true);
    const [fan] = await take(events, 1);
    for (let i = 0; i < 9; i++) await follow(`fan${i}`, 'cleo');
    const resume = (userId = 'anna') => listen(userId, { after: fan?.cursor ?? '' });
    expect(await take(resume(), 1)).toMatchObject([{ type: 'MutualGained', userId: 'bob' }]);
    // To whom the first of the two was no event.
    expect(await take(resume('bob'), 1)).toMatchObject([{ type: 'MutualGained', userId: 'anna' }]);
    for (let i = 9; i < 13; i++) await follow(`fan${i}`, 'cleo');
    expect(await take(resume(), 1)).toMatchObject([{ type: 'EventsMissed' }]);
  });
});

test('a Redis that comes back empty is told to every subscriber, and the cursor of that resumes', async () => {
  const { redis, gateway, other } = await openTwo({ people: ['star', 'anna', 'bert'], hasWebhooks: true });
  const query = 'subscription ($after: String) { followEvents(userId: "star", after: $after) { __typename cursor } }';
  const next = async (stream: EventStream, count = 1) => {
    const events = await stream.events<{ __typename: string; cursor: string }>(count);
    return { types: events.map(({ __typename }) => __typename), after: events.at(-1)?.cursor ?? '' };
  };
  const [here, there] = [await subscribe(gateway, query), await subscribe(other, query)];
  await follow(gateway, 'anna');
  const before = await next(there);
  await redis.restart();
  const gap = await next(there);
  expect([...before.types, ...gap.types]).toEqual(['FanGained', 'EventsMissed']);
  expect((await next(here, 2)).types).toEqual(['FanGained', 'EventsMissed']);

  const lost = await subscribe(other, query, { after: before.after });
  expect((await next(lost)).types).toEqual(['EventsMissed']);
  const resumed = await subscribe(other, query, { after: gap.after });
  await follow(gateway, 'bert');
  for (const stream of [here, there, lost, resumed]) {
    let { types } = await next(stream);
    // Two who noticed it at different times may both have said so.
    while (types[0] === 'EventsMissed') types = (await next(stream)).types;
    expect(types).toEqual(['FanGained']);
  }
});
