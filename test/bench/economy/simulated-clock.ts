import { setImmediate } from 'node:timers/promises';
import { type Clock, createClock } from '../../../src/clock.ts';

/** A clock that goes on when it is told to, and rings on its way what is set, in order of time. */
export type SimulatedClock = Clock & {
  /** Goes on to `end` (milliseconds since the epoch), but stands still for as long as `mustWait` says so. */
  advanceTo(end: number, mustWait: () => boolean): Promise<void>;
};

type Alarm = { at: number; ring(): void };

export function createSimulatedClock(startMs: number): SimulatedClock {
  let now = startMs;
  /** In order of time. */
  const alarms: Alarm[] = [];

  function insert(alarm: Alarm): void {
    let [low, high] = [0, alarms.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((alarms[middle] as Alarm).at <= alarm.at) low = middle + 1;
      else high = middle;
    }
    alarms.splice(low, 0, alarm);
  }

  async function wakeNext(): Promise<void> {
    const next = alarms.shift();
    if (!next) return;
    now = Math.max(now, next.at);
    next.ring();
    await setImmediate();
  }

  const clock = createClock({
    now: () => now,
    alarm(ms, ring) {
      const alarm = { at: now + ms, ring };
      insert(alarm);
      return () => {
        const index = alarms.indexOf(alarm);
        if (index >= 0) alarms.splice(index, 1);
      };
    },
  });
  return {
    ...clock,
    async advanceTo(end, mustWait) {
      const [from, since] = [now, performance.now()];
      while (mustWait()) {
        await setImmediate();
        // What is waited for may itself wait for the clock: then that goes on as fast as real time.
        const reached = from + performance.now() - since;
        while (alarms[0] && alarms[0].at <= reached) await wakeNext();
      }
      while (alarms[0] && alarms[0].at <= end) await wakeNext();
      now = Math.max(now, end);
    },
  };
}
