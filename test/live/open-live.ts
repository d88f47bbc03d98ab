// Live events over a log in this process, and the changes that make them.
import { onTestFinished } from 'vitest';
import { createLog, type Log } from '../../src/cache/log.ts';
import type { Change } from '../../src/follow/changes.ts';
import { createLive, type LiveOptions } from '../../src/follow/live.ts';
import { createTestClock } from '../support/clock.ts';

export const AT = Date.UTC(2026, 0, 1);

export type LiveTestOptions = Partial<Pick<LiveOptions, 'mostWaiting' | 'mostSubscriptions'>> & { most?: number };

export function openLive({ most = 1000, mostSubscriptions = 10_000, ...options }: LiveTestOptions = {}) {
  const clock = createTestClock(AT);
  const log = createLog({ link: null, key: '', most, clock });
  const live = createLive({ log, clock, mostSubscriptions, ...options });
  onTestFinished(() => live.close());
  return { clock, log, live, ...writerOf(log) };
}

/** Ways to write changes. */
export function writerOf(log: Pick<Log, 'append'>) {
  const write = (change: Change) => log.append(change);
  return {
    write,
    follow: (from: string, to: string, mutual = false) => write({ type: 'followed', from, to, at: AT, mutual }),
    unfollow: (from: string, to: string, mutual = false) => write({ type: 'unfollowed', from, to, at: AT, mutual }),
    changeProfile: (userId: string) => write({ type: 'profile-changed', userId, at: AT }),
  };
}

/** The next `count` events. */
export async function take<Event>(events: AsyncIterator<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done) throw new Error(`The events ended after ${taken.length}.`);
    taken.push(value);
  }
  return taken;
}

export const EVERYTHING = { after: null, maySee: () => true };
