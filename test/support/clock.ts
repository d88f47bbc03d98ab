import { type Clock, createClock, systemClock } from '../../src/clock.ts';

/** A clock that moves only when a test turns it. Alarms ring in order as it passes their time. */
export type TestClock = Clock & { advance(ms: number): void };

type Alarm = { at: number; ring: () => void };

/** Alarms that a test rings by turning a clock; `now` is what it shows then. */
function createAlarms(now: () => number) {
  const alarms = new Set<Alarm>();
  return {
    set(ms: number, ring: () => void): () => void {
      const alarm = { at: now() + ms, ring };
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    nextAt: () => Math.min(...Array.from(alarms, ({ at }) => at)),
    ringDue(): void {
      for (const alarm of [...alarms].sort((a, b) => a.at - b.at))
        if (alarm.at <= now() && alarms.delete(alarm)) alarm.ring();
    },
  };
}

/** `nextAlarmAt` tells when the next alarm rings: Infinity without one. */
export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock & { nextAlarmAt(): number } {
  let shown = startMs;
  const now = () => shown;
  const alarms = createAlarms(now);
  return {
    ...createClock({ now, alarm: alarms.set }),
    advance(ms) {
      shown += ms;
      alarms.ringDue();
    },
    nextAlarmAt: alarms.nextAt,
  };
}

/**
 * A clock on which short waits, such as those between tries, are over at once while time passes as if they were not;
 * waits of `timeoutMs` and more, such as timeouts, end only when a test turns the clock. `waits` are the short ones.
 */
export function createHastyClock(timeoutMs = 4000): TestClock & { waits: number[] } {
  const { now, alarm, advance } = createTestClock();
  const waits: number[] = [];
  const hasty = createClock({
    now,
    alarm(ms, ring) {
      if (ms >= timeoutMs) return alarm(ms, ring);
      waits.push(ms);
      advance(ms);
      queueMicrotask(ring);
      return () => {};
    },
  });
  return { ...hasty, advance, waits };
}

/** The same clock, of which the time of day can be set back, as an operator sets a machine's. */
export function canBeSetBack<C extends Clock>(clock: C) {
  let behindMs = 0;
  return {
    ...clock,
    now: () => clock.now() - behindMs,
    setBack(ms: number) {
      behindMs += ms;
    },
  };
}

/** A clock that runs as the real one does, and can be turned forward: alarms that are due by then ring at once. */
export function createRunningClock(): TestClock {
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const alarms = createAlarms(now);
  return {
    ...createClock({
      now,
      alarm(ms, ring) {
        const callOff = () => {
          stop();
          forget();
        };
        const once = () => {
          callOff();
          ring();
        };
        const stop = systemClock.alarm(ms, once);
        const forget = alarms.set(ms, once);
        return callOff;
      },
    }),
    advance(ms) {
      ahead += ms;
      alarms.ringDue();
    },
  };
}
