// A failing upstream fails every call in the same way: the log needs that once a minute, not 160 times a second.
import type { Clock } from '../clock.ts';

/** A line for the log: facts never hold the UserSig or the key. */
export type Report = (message: string, facts: Record<string, string | number | undefined>) => void;

const SILENCE_MS = 60_000;
// Keys hold a command and a code, so only a misbehaving upstream could invent this many.
const MAX_KEYS = 1000;

/** Creates a report that passes on one line per `key` and minute. */
export function createOccasionalReport(report: Report, clock: Clock) {
  const lastAt = new Map<string, number>();
  return (key: string, ...line: Parameters<Report>): void => {
    const now = clock.now();
    if (now - (lastAt.get(key) ?? Number.NEGATIVE_INFINITY) < SILENCE_MS) return;
    if (lastAt.size >= MAX_KEYS) lastAt.clear();
    lastAt.set(key, now);
    report(...line);
  };
}
