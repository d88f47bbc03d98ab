import { type Clock, NOT_NEEDED } from '../clock.ts';

/** Waking later than this, in milliseconds, means that this process was busy. */
const LATE_MS = 20;

/** `answer`, or a rejection when it is not there after `ms`; then it goes to `onLate`, should it still come. */
export function withinTime<T>(
  clock: Clock,
  ms: number,
  answer: Promise<T>,
  onLate: (late: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = new AbortController();
    sleepAwake(clock, ms, timer.signal).then(
      () => {
        reject(new Error(`no answer in ${ms} ms`));
        answer.then(onLate, () => {});
      },
      () => {},
    );
    answer.then(resolve, reject).finally(() => timer.abort(NOT_NEEDED));
  });
}

/** Who was too busy to wake in time was too busy to send the question, or to read an answer that lies there already. */
async function sleepAwake(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const wakeAt = clock.now() + ms;
  await clock.sleep(ms, signal);
  if (clock.now() > wakeAt + LATE_MS) await clock.sleep(ms, signal);
  await new Promise((resolve) => setImmediate(resolve));
}
