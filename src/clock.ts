/** The time: injected everywhere, so that tests set it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds since some moment, never set back; see `monotonicMs`. A clock may leave it out. */
  monotonicMs?(): number;
  /** See `setAlarm`; a clock may leave it out. */
  alarm?(ms: number, ring: () => void): () => void;
};

/** Node's timers take no longer time. */
const LONGEST_ALARM_MS = 2 ** 31 - 1;

/**
 * Calls `ring` after `delayMs`, or after the longest time that there is; returns its cancellation, which is cheaper than an
 * aborted sleep, since it makes no error.
 */
export function setAlarm(clock: Clock, delayMs: number, ring: () => void): () => void {
  const ms = Math.min(Math.max(0, delayMs), LONGEST_ALARM_MS);
  if (clock.alarm) return clock.alarm(ms, ring);
  const off = new AbortController();
  clock.sleep(ms, off.signal).then(ring, () => {});
  return () => off.abort(NOT_NEEDED);
}

/** The time by which waits are measured: setting the machine's clock does not change it. */
export const monotonicMs = (clock: Clock): number => clock.monotonicMs?.() ?? clock.now();

/** The reason with which an aborted sleep ends. One for all: making an error takes longer than the rest. */
export const NOT_NEEDED = new Error('This wait was cancelled.');

export const systemClock: Clock = {
  now: Date.now,
  monotonicMs: () => performance.now(),
  // `node:timers/promises` makes an error for each sleep that is aborted, and most are.
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', leave);
        resolve();
      }, ms);
      signal?.addEventListener('abort', leave, { once: true });
    }),
  alarm(ms, ring) {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
};
