// The log: lines of JSON on standard output, some at a time.
import { type Logger, pino } from 'pino';

/** A line waits so long at most, in milliseconds, or until there are so many letters. */
const LONGEST_WAIT_MS = 100;
const LETTERS_AT_ONCE = 4096;
/** What a reader that has stopped to read can make us keep; then lines are lost, and no request waits for it. */
const MOST_LETTERS = 16 * 1024 * 1024;

/**
 * Opens the log. A write for each request would cost about as much as its answer. What waits is written at the latest
 * when the process exits, unless it is killed.
 */
export function openLog(level: string, bindings?: Readonly<Record<string, unknown>>): Logger {
  const destination = pino.destination({
    dest: process.stdout.fd,
    sync: false,
    minLength: LETTERS_AT_ONCE,
    maxLength: MOST_LETTERS,
    periodicFlush: LONGEST_WAIT_MS,
  });
  return pino({ level, base: bindings }, destination);
}
