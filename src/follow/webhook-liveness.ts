// Whether the upstream's webhooks arrive: while they do, cached values are fresh for longer. A webhook at one replica
// counts for all, but only as long as they hear each other.
import type { Clock } from '../clock.ts';

/** After this time without a webhook they may have ceased to come, in milliseconds. */
const SILENCE_MS = 600_000;
/** A moment that is further ahead than clocks differ withdraws the one before. */
const CLOCK_SKEW_MS = 5000;
/** Other replicas hear of it no more often than this. */
const PUBLISH_EVERY_MS = 30_000;

/** `publish` has all replicas hear, this one included, and resolves with whether they do; null where there is but one. */
export function createWebhookLiveness(clock: Clock, publish: ((since: number) => Promise<boolean>) | null) {
  let startedAt = 0;
  let heardAt = Number.NEGATIVE_INFINITY;
  let publishedAt = Number.NEGATIVE_INFINITY;

  /** Since when webhooks arrive without a pause; null while they do not. */
  const liveSince = () => (clock.now() - heardAt < SILENCE_MS ? startedAt : null);

  /** A webhook has arrived at some replica; without a pause since `since`, in epoch milliseconds. */
  function hear(since: number): void {
    const now = clock.now();
    const known = liveSince();
    const latest = Math.max(since, known ?? 0);
    startedAt = latest > now + CLOCK_SKEW_MS ? latest : Math.min(known ?? now, since);
    heardAt = now;
  }

  return {
    hear,
    since: liveSince,
    /** A webhook has arrived at this replica. */
    note() {
      const now = clock.now();
      if (!publish) return hear(now);
      if (now - publishedAt < PUBLISH_EVERY_MS) return;
      publishedAt = now;
      void publish(liveSince() ?? now).then((isHeard) => {
        if (!isHeard) publishedAt = Number.NEGATIVE_INFINITY;
      });
    },
    /** Values read in the next `ms` milliseconds are fresh as without webhooks, on any replica. */
    withdraw(ms: number) {
      const until = clock.now() + ms;
      hear(until);
      void publish?.(until);
    },
  };
}
