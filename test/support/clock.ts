import type { Clock } from '../../src/clock.ts';

/** A clock that moves only when a test turns it. Sleepers wake in order as it passes their time. */
export type TestClock = Clock & { advance(ms: number): void };

export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  const { sleep, wakeUntil } = createSleepers(() => now);
  return {
    now: () => now,
    sleep,
    advance(ms) {
      now += ms;
      wakeUntil(now);
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
  const { sleep, wakeUntil } = createSleepers(now, (wake, ms) => setTimeout(wake, ms));
  return {
    now,
    sleep,
    advance(ms) {
      ahead += ms;
      wakeUntil(now());
    },
  };
}

/** Who sleeps on a clock; `start` also wakes a sleeper by itself. */
function createSleepers(now: () => number, start?: (wake: () => void, ms: number) => NodeJS.Timeout) {
  const sleepers = new Set<{ at: number; wake(): void }>();
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
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
      const sleeper = { at: now() + ms, wake };
      const timer = start?.(wake, ms);
      sleepers.add(sleeper);
      signal?.addEventListener('abort', leave);
    });
  const wakeUntil = (time: number) => {
    for (const { at, wake } of [...sleepers].sort((a, b) => a.at - b.at)) if (at <= time) wake();
  };
  return { sleep, wakeUntil };
}
