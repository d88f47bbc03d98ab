// The slots of one command that the workers of a machine share: the same rule as the script's in Redis, in the memory of
// the process above them.
import { type Clock, watchClock } from '../clock.ts';
import { BACK_OFF, type Pace, SOONEST_INTERVALS } from './budget-pace.ts';
import type { SharedAnswer, SharedPace } from './budget-script.ts';

/** What `SharedPace` promises, answered at once. */
export type Slots = {
  [Ask in keyof SharedPace]: (...args: Parameters<SharedPace[Ask]>) => SharedAnswer;
};

export function createSlots({ intervalMs, toleranceMs }: Pace, clock: Pick<Clock, 'now'>): Slots {
  // When the slot after all given ones is due. Nothing is known of what was spent before, so it begins without a burst.
  let free = clock.now() + toleranceMs;
  let holdUntil = 0;
  // The share at `since`; it grows from then on.
  let kept = 1;
  let since = 0;

  const read = watchClock(clock, (now) => {
    free = now + toleranceMs;
    holdUntil = Math.min(holdUntil, now);
    since = Math.min(since, now);
  });
  const share = (now: number) => Math.min(1, kept + (Math.max(0, now - since) / 1000) * BACK_OFF.recoveryPerSecond);
  const soonest = (now: number) => Math.max(now, free - toleranceMs, holdUntil);

  return {
    reserve(rank, aheadMs) {
      const now = read();
      const interval = intervalMs / share(now);
      const at = rank === 0 ? soonest(now) : Math.max(soonest(now), free + (SOONEST_INTERVALS[rank] ?? 0) * interval);
      const granted = rank === 0 ? at - now <= aheadMs : at <= now;
      if (granted) free = Math.max(free, at) + interval;
      return { granted, at, holdUntil, share: share(now) };
    },
    look() {
      const now = read();
      return { granted: false, at: soonest(now), holdUntil, share: share(now) };
    },
    cut() {
      const now = read();
      // Many calls are answered "too often" at once; they are one reason to back off, not many.
      if (now >= holdUntil) {
        kept = Math.max(BACK_OFF.leastShare, share(now) * BACK_OFF.cutTo);
        holdUntil = now + BACK_OFF.holdMs;
        since = holdUntil;
        free = Math.max(free, holdUntil + toleranceMs);
      }
      return { granted: false, at: free, holdUntil, share: share(now) };
    },
  };
}
