import { setImmediate } from 'node:timers/promises';
import { createTestClock } from '../../support/clock.ts';

/** A clock that goes on when it is told to, and rings on its way what is set, in order of time. */
export function createSimulatedClock(startMs: number) {
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
    /** Goes on to `end` (milliseconds since the epoch), but stands still for as long as `mustWait` says so. */
    async advanceTo(end: number, mustWait: () => boolean): Promise<void> {
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
