// Own changes count in the order in which they were made, and for as long as the upstream may be behind.
import { expect, test } from 'vitest';
import { createChangeStream } from '../../src/cache/change-stream.ts';
import { createChangeReader, type FollowChange } from '../../src/follow/changes.ts';
import { createOwnChanges } from '../../src/follow/own-changes.ts';
import { createTestClock } from '../support/clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const LAG_MS = 30_000;

async function open() {
  const clock = createTestClock(NOON);
  const stream = createChangeStream({ redis: null, key: '', maxLength: 100, read: createChangeReader(), clock });
  const own = createOwnChanges({ stream, clock, lagMs: LAG_MS });
  const tell = (type: FollowChange['type'], from: string, to: string, at: number, isOwn = true) =>
    stream.append({
      type,
      from,
      to,
      at,
      mutual: false,
      ...(isOwn && { own: { startedAt: at - 50, isNew: true } }),
    });
  return { clock, own, tell };
}

test('own changes count in their order, also when the clocks of their replicas differ', async () => {
  const { own, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON);
  await tell('unfollowed', 'ana', 'bo', NOON - 200);
  expect(own.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  // The webhook of the first comes late.
  await tell('followed', 'ana', 'bo', NOON - 300, false);
  expect(own.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  await tell('followed', 'ana', 'bo', NOON - 100);
  expect(own.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
});

test('a later change by others counts as the upstream shows it, and so does a change by others alone', async () => {
  const { own, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON);
  await tell('unfollowed', 'ana', 'bo', NOON + 1000, false);
  expect(own.relation('ana', 'bo', 'NONE')).toBe('NONE');
  await tell('followed', 'cy', 'di', NOON, false);
  expect(own.relation('cy', 'di', 'NONE')).toBe('NONE');
});

test('a change that claims to be yet to come counts no longer than any other, and keeps no other alive', async () => {
  const { clock, own, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON + 300_000);
  await tell('followed', 'cy', 'di', NOON);
  expect(own.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
  clock.advance(LAG_MS + 1000);
  expect(own.relation('ana', 'bo', 'NONE')).toBe('NONE');
  expect(own.relation('cy', 'di', 'NONE')).toBe('NONE');
});

test('every own change is a new generation for both users, and so is the end of its lag', async () => {
  const { clock, own, tell } = await open();
  const generations = () => [own.generation('ana'), own.generation('bo')];
  const seen = [generations()];
  await tell('followed', 'ana', 'bo', NOON);
  seen.push(generations());
  clock.advance(10_000);
  await tell('unfollowed', 'bo', 'ana', NOON + 10_000);
  seen.push(generations());
  expect(own.generation('cy')).toBe(0);
  clock.advance(LAG_MS - 9000);
  seen.push(generations());
  for (const user of [0, 1]) expect(new Set(seen.map((both) => both[user])).size).toBe(4);
  clock.advance(10_000);
  expect([seen[0], generations()]).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('an own change accounts for one webhook of it, and none from before or long after', async () => {
  const { own, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON);
  for (const [type, at, isOwn] of [
    ['followed', NOON - 10_000, false],
    ['followed', NOON + 10_000, false],
    ['unfollowed', NOON + 10, false],
    ['followed', NOON - 20, true],
    ['followed', NOON - 20, false],
  ] as const)
    expect(own.consumeOwnChange(type, 'ana', 'bo', at)).toBe(isOwn);
});
