// Whether the upstream tells of changes: then what is remembered can be believed for longer. What one replica is told
// holds for all, but only as long as they can tell each other.
import type { Clock } from '../clock.ts';

export type Telling = {
  /** The upstream has told something to this replica. */
  note(): void;
  /** It has told something to a replica, and has done so without a pause since `since` (epoch milliseconds). */
  hear(since: number): void;
  /** Since when it tells without a pause; null while it does not. */
  since(): number | null;
  /** What is read from now on for this long (milliseconds) is not believed for longer, on any replica. */
  withdraw(ms: number): void;
};

export type TellingOptions = {
  clock: Clock;
  /** Has all replicas hear, this one included; resolves with whether they do. Null where there is but one. */
  spread: ((since: number) => Promise<boolean>) | null;
};

/** After so long without a word it may have ceased to tell, in milliseconds. */
const SILENCE_MS = 600_000;
/** A moment that is further ahead than clocks differ withdraws what was believed. */
const CLOCK_SKEW_MS = 5000;
/** The others are told no more often than this. */
const SPREAD_EVERY_MS = 30_000;

export function createTelling({ clock, spread }: TellingOptions): Telling {
  let began = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let spreadAt = Number.NEGATIVE_INFINITY;

  const telling: Telling = {
    note() {
      const now = clock.now();
      if (!spread) return telling.hear(now);
      if (now - spreadAt < SPREAD_EVERY_MS) return;
      spreadAt = now;
      void spread(telling.since() ?? now).then((isHeard) => {
        if (!isHeard) spreadAt = Number.NEGATIVE_INFINITY;
      });
    },
    hear(since) {
      const now = clock.now();
      const known = telling.since();
      const latest = Math.max(since, known ?? 0);
      began = latest > now + CLOCK_SKEW_MS ? latest : Math.min(known ?? now, since);
      lastAt = now;
    },
    withdraw(ms) {
      const until = clock.now() + ms;
      telling.hear(until);
      void spread?.(until);
    },
    since: () => (clock.now() - lastAt < SILENCE_MS ? began : null),
  };
  return telling;
}
