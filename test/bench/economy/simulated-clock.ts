import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/clock.ts';

/** A clock that goes on when it is told to, and wakes on its way what sleeps, in order of time. */
export type SimulatedClock = Clock & {
  /** Goes on to `end` (milliseconds since the epoch), but stands still for as long as `mustWait` says so. */
  advanceTo(end: number, mustWait: () => boolean): Promise<void>;
};

type Sleeper = { at: number; wake(): void };

export function createSimulatedClock(startMs: number): SimulatedClock {
  let now = startMs;
  /** In order of time. */
  const sleepers: Sleeper[] = [];

  function insert(sleeper: Sleeper): void {
    let [low, high] = [0, sleepers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sleepers[middle] as Sleeper).at <= sleeper.at) low = middle + 1;
      else high = middle;
    }
    sleepers.splice(low, 0, sleeper);
  }

  async function wakeNext(): Promise<void> {
    const next = sleepers.shift();
    if (!next) return;
    now = Math.max(now, next.at);
    next.wake();
    await setImmediate();
  }

  return {
    now: () => now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { at: now + ms, wake: resolve };
        insert(sleeper);
        signal?.addEventListener(
          'abort',
          () => {
            const index = sleepers.indexOf(sleeper);
            if (index >= 0) sleepers.splice(index, 1);
            reject(signal.reason);
          },
          { once: true },
        );
      });
    },
    async advanceTo(end, mustWait) {
      const [from, since] = [now, performance.now()];
      while (mustWait()) {
        await setImmediate();
        // What is waited for may itself wait for the clock: then that goes on as fast as real time.
        const reached = from + performance.now() - since;
        while (sleepers[0] && sleepers[0].at <= reached) await wakeNext();
      }
      while (sleepers[0] && sleepers[0].at <= end) await wakeNext();
      now = Math.max(now, end);
    },
  };
}
