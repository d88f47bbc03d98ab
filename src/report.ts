// A failure or refusal can repeat many times a second: the log needs one line of it now and then.
import type { Clock } from './clock.ts';

/**
 * A line for the log: facts never hold the UserSig or the key. It is an `error` where somebody must act, a `warn` (the
 * default) where it may mend by itself.
 */
export type Report = (
  message: string,
  facts: Record<string, string | number | null | undefined>,
  level?: 'error' | 'warn' | 'info' | 'debug',
) => void;

const PERIOD_MS = 60_000;
/** In one period: clients can make up any number of keys. */
const MAX_KEYS = 100;

/** Creates a report that passes on one line per `key` and period. */
export function createOccasionalReport(report: Report, clock: Clock, periodMs = PERIOD_MS) {
  const keys = new Set<string>();
  let endsAt = Number.NEGATIVE_INFINITY;
  return (key: string, ...line: Parameters<Report>): void => {
    if (clock.monotonicMs() >= endsAt) {
      endsAt = clock.monotonicMs() + periodMs;
      keys.clear();
    }
    if (keys.size >= MAX_KEYS || keys.has(key)) return;
    keys.add(key);
    report(...line);
  };
}

export type OccasionalReport = ReturnType<typeof createOccasionalReport>;
