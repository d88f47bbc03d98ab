// The events that subscribers are told while they listen, and how a subscription ends.
import { setImmediate as loopTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Change } from '../../src/follow/changes.ts';
import { AT, openSubscriptions, take } from './open-subscriptions.ts';

const HOUR_MS = 3_600_000;

test('no subscriber is told of what happens to other users', async () => {
  const { subscriptions, stream, follow, unfollow, changeProfile, listen } = openSubscriptions();
  const fans = listen('anna');
  const profiles = subscriptions.profileEvents(['anna', 'anna', 'bob'], { after: null });
  await follow('anna', 'bob');
  await unfollow('anna', 'bob', true);
  await follow('bob', 'cleo', true);
  await changeProfile('cleo');
  // Entries of another version of this gateway.
  for (const entry of [{ type: 'followed', from: 'bob', to: 'anna' }, { something: 'else' }])
    await stream.append(entry as Change);
  await changeProfile('anna');
  await follow('cleo', 'anna');
  await changeProfile('bob');
  expect(await take(fans, 1)).toMatchObject([{ type: 'FanGained', userId: 'cleo' }]);
  expect(await take(profiles, 2)).toMatchObject([
    { type: 'ProfileChanged', userId: 'anna' },
    { type: 'ProfileChanged', userId: 'bob' },
  ]);
});

test('visibility is asked again for every event', async () => {
  const { follow, unfollow, listen } = openSubscriptions();
  let visible = ['fans'];
  const events = listen('anna', { maySee: (list) => visible.includes(list) });
  await follow('bob', 'anna', true);
  expect(await take(events, 1)).toMatchObject([{ type: 'FanGained' }]);
  const pending = take(events, 1);
  visible = [];
  await follow('cleo', 'anna', true);
  await unfollow('bob', 'anna', true);
  // A subscriber that waits for an event is told in the same turn of the event loop.
  await loopTurn();
  visible = ['mutuals'];
  await follow('dora', 'anna', true);
  expect(await pending).toMatchObject([{ type: 'MutualGained', userId: 'dora' }]);
  visible = ['fans'];
  await follow('emil', 'anna', true);
  expect(await take(events, 1)).toMatchObject([{ type: 'FanGained', userId: 'emil' }]);
});

test('a change asks only those whom it concerns, not 5,000 others', async () => {
  const { follow, listen } = openSubscriptions();
  const maySee = vi.fn(() => true);
  for (let i = 0; i < 5000; i++) void listen(`user${i}`, { maySee }).next();
  const events = listen('user7', { maySee });
  await follow('anna', 'user7');
  expect(await take(events, 1)).toMatchObject([{ type: 'FanGained', userId: 'anna' }]);
  expect(maySee).toHaveBeenCalledTimes(2);
});

test('a subscriber that does not take its events is cut off, and resumes without loss', async () => {
  const { subscriptions, follow, listen } = openSubscriptions({ maxLength: 2000 });
  const [slow, quick] = [listen('anna'), listen('anna')];
  await follow('fan0', 'anna');
  const [first] = await take(slow, 1);
  await take(quick, 1);
  for (let i = 1; i <= 1000; i++) await follow(`fan${i}`, 'anna');
  expect(subscriptions.count()).toBe(2);
  await take(quick, 1000);
  await follow('fan1001', 'anna');
  expect(subscriptions.count()).toBe(1);
  await expect(slow.next()).rejects.toMatchObject({ code: 'THROTTLED' });
  expect(await slow.next()).toEqual({ value: undefined, done: true });
  expect(await take(quick, 1)).toMatchObject([{ userId: 'fan1001' }]);

  const resumed = listen('anna', { after: first?.cursor ?? '' });
  const missed = Array.from({ length: 1001 }, (_, i) => ({ userId: `fan${i + 1}` }));
  expect(await take(resumed, 1001)).toMatchObject(missed);
});

test('what a slow subscriber did not ask for does not count against it', async () => {
  const { subscriptions, follow, changeProfile, listen } = openSubscriptions();
  const profiles = subscriptions.profileEvents(['anna'], { after: null });
  const presences = subscriptions.presenceEvents(['anna'], {});
  const fans = listen('anna');
  for (let i = 0; i <= 1000; i++) await follow(`fan${i}`, 'anna');
  // The one whom this is about has had too many.
  expect(subscriptions.count()).toBe(2);
  await expect(fans.next()).rejects.toMatchObject({ code: 'THROTTLED' });
  await changeProfile('anna');
  subscriptions.tellPresence('anna');
  expect(await take(profiles, 1)).toMatchObject([{ type: 'ProfileChanged', userId: 'anna' }]);
  expect(await take(presences, 1)).toMatchObject([{ userId: 'anna' }]);
});

test('there are no more subscriptions than allowed, and one that ends makes room', async () => {
  const { subscriptions, listen } = openSubscriptions({ maxSubscriptions: 2 });
  const events = listen('anna');
  subscriptions.profileEvents(['anna'], { after: null });
  expect(() => listen('bob')).toThrow(expect.objectContaining({ code: 'THROTTLED' }));
  await events.return?.();
  listen('bob');
  expect(subscriptions.count()).toBe(2);
});

test('a subscription ends with the credentials of its viewer, whether something happens or not', async () => {
  const { clock, subscriptions, follow, listen } = openSubscriptions();
  const expiresAt = AT + HOUR_MS;
  const [busy, lasting] = [listen('anna', { expiresAt }), listen('anna')];
  const [quiet, later] = [expiresAt, expiresAt + HOUR_MS].map((expiresAt) => {
    const events = subscriptions.profileEvents(['anna'], { after: null, expiresAt });
    return events.next().catch((error) => error.code);
  });
  await follow('bob', 'anna');
  expect(await take(busy, 1)).toMatchObject([{ userId: 'bob' }]);
  await follow('cleo', 'anna');
  clock.advance(HOUR_MS);
  await expect(busy.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await quiet).toBe('UNAUTHENTICATED');
  expect(subscriptions.count()).toBe(2);
  expect(await take(lasting, 2)).toHaveLength(2);
  clock.advance(HOUR_MS);
  expect(await later).toBe('UNAUTHENTICATED');
});
