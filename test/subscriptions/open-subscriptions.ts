// Subscriptions over a change stream in this process, and the changes that make their events.
import { onTestFinished } from 'vitest';
import { createChangeStream } from '../../src/cache/change-stream.ts';
import { type Change, createChangeReader } from '../../src/follow/changes.ts';
import { createSubscriptions } from '../../src/follow/subscriptions.ts';
import { createTestClock } from '../support/clock.ts';

export const AT = Date.UTC(2026, 0, 1);

export function openSubscriptions({ maxLength = 1000, maxSubscriptions = 10_000 } = {}) {
  const clock = createTestClock(AT);
  const stream = createChangeStream({ redis: null, key: '', maxLength, read: createChangeReader(), clock });
  const subscriptions = createSubscriptions({ stream, clock, maxSubscriptions });
  onTestFinished(() => subscriptions.close());
  let moments = 0;
  const write = (change: Change) => stream.append(change);
  return {
    ...{ clock, stream, subscriptions, write },
    /** What happens to a user, to somebody who may see it all. */
    listen: (userId: string, terms: Partial<Parameters<typeof subscriptions.followEvents>[1]> = {}) =>
      subscriptions.followEvents(userId, { after: null, maySee: () => true, ...terms }),
    follow: (from: string, to: string, mutual = false) => write({ type: 'followed', from, to, at: AT, mutual }),
    unfollow: (from: string, to: string, mutual = false) => write({ type: 'unfollowed', from, to, at: AT, mutual }),
    /** Each at a moment of its own, unless it is told again. */
    changeProfile: (userId: string, at = AT + ++moments) => write({ type: 'profile-changed', userId, at }),
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
