import { type Logger, pino } from 'pino';

/** A reader that has stopped reading makes the log keep this much; then lines are dropped, and no request waits for it. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Creates the log: lines of JSON on standard output, written in chunks, at the latest when the process exits. Flush it
 * before an exit, since a reader that is gone is noticed by an asynchronous write alone.
 */
export function createLog(level: string): Logger {
  const output = pino.destination({ sync: false, minLength: 4096, periodicFlush: 100, maxLength: MAX_BYTES });
  return pino({ level, base: null }, output);
}
