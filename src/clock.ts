/** The time: injected everywhere, so that tests set it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some moment, by which waits are measured: setting the machine's clock does not change it. */
  monotonicMs(): number;
  /** Calls `ring` after `ms`; returns its cancellation, which is cheaper than an aborted sleep, since it makes no error. */
  alarm(ms: number, ring: () => void): () => void;
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** Makes a clock of what differs between clocks. */
export function createClock({ now, alarm, monotonicMs = now }: Partial<Clock> & Pick<Clock, 'now' | 'alarm'>): Clock {
  return {
    now,
    monotonicMs,
    alarm,
    // `node:timers/promises` makes an error for each sleep that is aborted, and most are.
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const leave = () => {
          callOff();
          reject(signal?.reason);
        };
        const callOff = alarm(ms, () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        });
        signal?.addEventListener('abort', leave, { once: true });
      }),
  };
}

/** What `withinTime` rejects with. */
export class NoAnswer extends Error {
  override name = 'timeout';
}

/** `answer`, or a rejection when it is not there after `ms`. */
export function withinTime<T>(clock: Clock, ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new NoAnswer(`no answer in ${ms} ms`));
    // A process that was too busy to wake in time may have the answer before it.
    const callOff = clock.alarm(ms, () => setImmediate(giveUp));
    answer.then(resolve, reject).finally(callOff);
  });
}

/** Node's timers take no longer time, 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock = createClock({
  now: Date.now,
  monotonicMs: () => performance.now(),
  alarm(ms, ring) {
    let timer: NodeJS.Timeout;
    function wait(leftMs: number): void {
      // Of a delay below zero Node would warn.
      if (leftMs <= LONGEST_TIMER_MS) timer = setTimeout(ring, Math.max(0, leftMs));
      else timer = setTimeout(wait, LONGEST_TIMER_MS, leftMs - LONGEST_TIMER_MS);
    }
    wait(ms);
    return () => clearTimeout(timer);
  },
});
