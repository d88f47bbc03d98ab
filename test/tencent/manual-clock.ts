import type { Clock } from '../../src/clock.ts';

export type ManualClock = Clock & {
  advance(ms: number): void;
  /** The waits that were over at once, in order. */
  readonly waits: number[];
};

/**
 * A clock that tests turn by hand. Waits shorter than `shortMs` (pauses between tries) are over at once and move the
 * clock; longer ones (timeouts) end when the test advances it.
 */
export function createManualClock({ shortMs = 2500, start = 1_700_000_000_000 } = {}): ManualClock {
  let now = start;
  const waits: number[] = [];
  const pending = new Set<{ at: number; wake: () => void }>();
  return {
    waits,
    now: () => now,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (ms < shortMs) {
        now += ms;
        waits.push(ms);
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve };
        pending.add(sleeper);
        signal?.addEventListener('abort', () => {
          pending.delete(sleeper);
          reject(signal.reason);
        });
      });
    },
    advance(ms) {
      now += ms;
      for (const sleeper of [...pending].filter(({ at }) => at <= now)) {
        pending.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
