import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/clock.ts';
import { createTestClock } from '../../support/clock.ts';

/** A clock that goes on when it is told to, and rings on its way what is set, in order of time. */
export type SimulatedClock = Clock & {
  /** Goes on to `end` (milliseconds since the epoch), but stands still for as long as `mustWait` says so. */
  advanceTo(end: number, mustWait: () => boolean): Promise<void>;
};

export function createSimulatedClock(startMs: number): SimulatedClock {
  const { advance, nextAlarmAt, ...clock } = createTestClock(startMs);
  const goTo = (time: number) => advance(Math.max(0, time - clock.now()));
  async function ringUntil(time: number): Promise<void> {
    for (let next = nextAlarmAt(); next <= time; next = nextAlarmAt()) {
      goTo(next);
      await setImmediate();
    }
  }
  return {
    ...clock,
    async advanceTo(end, mustWait) {
      const [from, since] = [clock.now(), performance.now()];
      while (mustWait()) {
        await setImmediate();
        // What is waited for may itself wait for the clock: then that goes on as fast as real time.
        await ringUntil(from + performance.now() - since);
      }
      await ringUntil(end);
      goTo(end);
    },
  };
}
