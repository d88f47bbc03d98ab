// What has changed lately counts in the order in which it was made, and for as long as the upstream may be behind.
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/cache/log.ts';
import type { FollowChange } from '../../src/follow/changes.ts';
import { createRecentChanges } from '../../src/follow/recent-changes.ts';
import { createTestClock } from '../support/clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const LAG_MS = 30_000;

async function open() {
  const clock = createTestClock(NOON);
  const log = createLog({ link: null, key: '', most: 100, clock });
  onTestFinished(() => log.close());
  const recent = createRecentChanges({ log, clock, lagMs: LAG_MS });
  const tell = (type: FollowChange['type'], from: string, to: string, at: number, isOwn = false) =>
    log.append({
      type,
      from,
      to,
      at,
      mutual: false,
      ...(isOwn && { own: { began: at - 50, isNews: true, behind: null } }),
    });
  return { clock, recent, tell };
}

test('own changes count in their order, also when the clocks of their replicas differ', async () => {
  const { recent, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON, true);
  await tell('unfollowed', 'ana', 'bo', NOON - 200, true);
  expect(recent.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  // The webhook of the first comes late.
  await tell('followed', 'ana', 'bo', NOON - 100);
  expect(recent.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
  await tell('followed', 'ana', 'bo', NOON - 100, true);
  expect(recent.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
});

test('what is told late of an earlier change counts for nothing', async () => {
  const { recent, tell } = await open();
  await tell('unfollowed', 'ana', 'bo', NOON);
  await tell('followed', 'ana', 'bo', NOON - 1000);
  expect(recent.relation('ana', 'bo', 'FOLLOWING')).toBe('NONE');
});

test('a change that claims to be yet to come counts no longer than any other, and keeps no other alive', async () => {
  const { clock, recent, tell } = await open();
  await tell('followed', 'ana', 'bo', NOON + 300_000);
  await tell('followed', 'cy', 'di', NOON);
  expect(recent.relation('ana', 'bo', 'NONE')).toBe('FOLLOWING');
  clock.advance(LAG_MS + 1000);
  expect(recent.relation('ana', 'bo', 'NONE')).toBe('NONE');
  expect(recent.relation('cy', 'di', 'NONE')).toBe('NONE');
});
