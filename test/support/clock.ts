import type { Clock } from '../../src/clock.ts';

/** A clock that moves only when a test turns it. Sleepers wake in order as it passes their time. */
export type TestClock = Clock & { advance(ms: number): void };

export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      });
    },
    advance(ms) {
      now += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) {
        if (sleeper.at > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

/**
 * A clock on which short waits, such as those between tries, are over at once while time passes as if they were not;
 * waits of `timeoutMs` and more, such as timeouts, end only when a test turns the clock.
 */
export function createHastyClock(timeoutMs = 4000): TestClock {
  const clock = createTestClock();
  return {
    ...clock,
    sleep(ms, signal) {
      if (ms >= timeoutMs) return clock.sleep(ms, signal);
      clock.advance(ms);
      return Promise.resolve();
    },
  };
}

/** A clock that runs as the real one does, and can be turned forward: sleepers that are due by then wake at once. */
export function createRunningClock(): TestClock {
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const end = () => {
          clearTimeout(timer);
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', leave);
        };
        const wake = () => {
          end();
          resolve();
        };
        const leave = () => {
          end();
          reject(signal?.reason);
        };
        const timer = setTimeout(wake, ms);
        const sleeper = { at: now() + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', leave);
      });
    },
    advance(ms) {
      ahead += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) if (sleeper.at <= now()) sleeper.wake();
    },
  };
}
