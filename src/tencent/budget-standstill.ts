// Notices when the upstream, or the way to it, stands still: what is sent then waits somewhere and arrives all at once.

/** Of one command in this process. Does nothing until it has heard of a first answer. */
export type Standstill = {
  sent(now: number): void;
  answered(now: number): void;
  /** What counted as sent last was not sent. */
  withdrawn(): void;
  /** Nothing is known any more: the clock has been set back. */
  reset(): void;
  /** Until when nothing should be sent, unless an answer comes; `now` or before when all is well. */
  until(now: number): number;
};

/** Silence that is no sign of anything, however quick the answers were so far; in milliseconds. */
const LEAST_QUIET_MS = 60;
/** Fewer than this under way do no harm, whenever they arrive. */
const FEWEST_UNDER_WAY = 2;
/** How much longer than usual an answer may take. */
const USUAL_TIMES = 3;
/** How long to wait in silence before going on: a hanging upstream is for timeouts and the breaker to deal with. */
const PATIENCE_MS = 500;
/** How much one answer counts in what is usual. */
const LEARNING = 0.1;
/** More than can be under way. An answer that is never told of must not be waited for. */
const MOST_UNDER_WAY = 1000;

export function createStandstill(): Standstill {
  // Which answer belongs to which call does not matter: the mean is the same.
  const underWay: number[] = [];
  let lastSignAt = 0;
  let usualMs = 0;
  let heard = false;
  return {
    sent(now) {
      if (underWay.length === 0) lastSignAt = now;
      underWay.push(now);
      if (underWay.length > MOST_UNDER_WAY) underWay.shift();
    },
    answered(now) {
      const sentAt = underWay.shift() ?? now;
      usualMs += LEARNING * (now - sentAt - usualMs);
      lastSignAt = now;
      heard = true;
    },
    withdrawn() {
      underWay.pop();
    },
    reset() {
      underWay.length = 0;
      heard = false;
    },
    until(now) {
      if (!heard || underWay.length < FEWEST_UNDER_WAY) return now;
      const quietMs = Math.max(LEAST_QUIET_MS, usualMs * USUAL_TIMES);
      const silentMs = now - lastSignAt;
      return silentMs > quietMs && silentMs < quietMs + PATIENCE_MS ? lastSignAt + quietMs + PATIENCE_MS : now;
    },
  };
}
