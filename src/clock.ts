/** Time as the house sees it: injected everywhere, so that tests turn it by hand. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** See `setAlarm`; a clock may leave it out. */
  alarm?(ms: number, ring: () => void): () => void;
};

/** Calls `ring` after `ms`, and answers what calls that off: for what hardly ever takes so long, since it makes no error. */
export function setAlarm(clock: Clock, ms: number, ring: () => void): () => void {
  if (clock.alarm) return clock.alarm(ms, ring);
  const off = new AbortController();
  clock.sleep(ms, off.signal).then(ring, () => {});
  return () => off.abort(NOT_NEEDED);
}

/** A clock is set right by less than this all the time, in milliseconds. */
const SET_BACK_MS = 1000;

/** Makes a reader of a clock that tells when it turns out to have been set back: by an operator, or a machine's resumption. */
export function watchClock(clock: Pick<Clock, 'now'>, onSetBack: (now: number) => void): () => number {
  let latest = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.now();
    if (now < latest - SET_BACK_MS) onSetBack(now);
    latest = now;
    return now;
  };
}

/** The reason with which a sleep ends that nobody needs any more. One for all: making an error takes longer than the rest. */
export const NOT_NEEDED = new Error('Nobody waits for this any more.');

export const systemClock: Clock = {
  now: Date.now,
  // `node:timers/promises` makes an error of its own for each sleep that is aborted, and most are.
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
