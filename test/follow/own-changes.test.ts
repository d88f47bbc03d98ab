// Own changes count in the order in which they were made, and for as long as the upstream may be behind.
import { expect, test } from 'vitest';
import { createChangeStream } from '../../src/cache/change-stream.ts';
import { createChangeReader, type FollowChange } from '../../src/follow/changes.ts';
import { createOwnChanges } from '../../src/follow/own-changes.ts';
import { createTestClock } from '../support/clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const LAG_MS = 30_000;

function open() {
  const clock = createTestClock(NOON);
  const stream = createChangeStream({ redis: null, key: '', maxLength: 100, read: createChangeReader(), clock });
  const own = createOwnChanges({ stream, clock, lagMs: LAG_MS });
  /** Something that happened so long after noon, by this gateway or by others. */
  const tell = (type: FollowChange['type'], pair: string, ms = 0, by: 'us' | 'others' = 'us') => {
    const [from = '', to = ''] = pair.split(' ');
    const isOwn = by === 'us' && { own: { startedAt: NOON + ms - 50, isNew: true } };
    return stream.append({ type, from, to, at: NOON + ms, mutual: false, ...isOwn });
  };
  return { clock, own, tell };
}

test('own changes count in their order, also when the clocks of their replicas differ', async () => {
  const { own, tell } = open();
  await tell('followed', 'ana bo');
  await tell('unfollowed', 'ana bo', -200);
  expect(own.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  // The webhook of the first comes late.
  await tell('followed', 'ana bo', -300, 'others');
  expect(own.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  await tell('followed', 'ana bo', -100);
  expect(own.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
});

test('a change that claims to be yet to come counts no longer than any other, and keeps no other alive', async () => {
  const { clock, own, tell } = open();
  await tell('followed', 'ana bo', 300_000);
  await tell('followed', 'cy di');
  expect(own.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
  clock.advance(LAG_MS + 1000);
  expect([own.relation('ana', 'bo', 'NONE'), own.relation('cy', 'di', 'NONE')]).toEqual(['NONE', 'NONE']);
});

test('every own change is a new revision for both users alone, and so is the end of its lag', async () => {
  const { clock, own, tell } = open();
  const seen: number[][] = [];
  const look = () => seen.push(['ana', 'bo', 'cy'].map(own.revision));
  look();
  await tell('followed', 'ana bo');
  look();
  clock.advance(10_000);
  await tell('unfollowed', 'bo ana', 10_000);
  look();
  clock.advance(LAG_MS - 9000);
  look();
  for (const [user, count] of [4, 4, 1].entries()) expect(new Set(seen.map((all) => all[user])).size).toBe(count);
  clock.advance(10_000);
  look();
  expect(seen.at(-1)).toEqual([0, 0, 0]);
});

test('an own change accounts for one webhook of it, and none from before or long after', async () => {
  const { own, tell } = open();
  await tell('followed', 'ana bo');
  for (const [type, ms, isOwn] of [
    ['followed', -10_000, false],
    ['followed', 10_000, false],
    ['unfollowed', 10, false],
    ['followed', -20, true],
    ['followed', -20, false],
  ] as const)
    expect(own.consumeOwnChange(type, 'ana', 'bo', NOON + ms)).toBe(isOwn);
});
