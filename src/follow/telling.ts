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
  withdraw(ms: number): void;
};

export type TellingOptions = {
  clock: Clock;
  /** Has all replicas hear, this one included; resolves with whether they do. Null where there is but one. */
  spread: ((since: number) => Promise<boolean>) | null;
};

/** After so long without a word it may have ceased to tell, in milliseconds. */
const SILENCE_MS = 600_000;
/** The others are told no more often than this. */
const SPREAD_EVERY_MS = 30_000;

export function createTelling({ clock, spread }: TellingOptions): Telling {
  let began = 0;
  let withdrawnUntil = Number.NEGATIVE_INFINITY;
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
      began = Math.min(telling.since() ?? now, since);
      lastAt = now;
    },
    since: () => (clock.now() - lastAt < SILENCE_MS && clock.now() >= withdrawnUntil ? began : null),
    withdraw(ms) {
      withdrawnUntil = clock.now() + ms;
      lastAt = Number.NEGATIVE_INFINITY;
    },
  };
  return telling;
}
