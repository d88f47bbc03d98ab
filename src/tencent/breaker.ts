// Stops asking a command that keeps failing, and finds out with one call a second whether it is back.
import type { Clock } from '../clock.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a call says about the upstream's health; `unknown` when it ended before the upstream could show it. */
export type Health = 'answered' | 'failed' | 'unknown';

export type Breaker = ReturnType<typeof createBreaker>;

const FAILURES_TO_OPEN = 5;
const PROBE_EVERY_MS = 1000;

/** Creates a closed breaker; `changed` hears of every opening and closing. */
export function createBreaker(clock: Clock, changed: (state: 'open' | 'closed') => void) {
  let open = false;
  let probing = false;
  let failuresInARow = 0;
  let nextProbeAt = 0;

  return {
    /** Lets a call through, or says in how many milliseconds to try again. A probe decides whether the breaker closes. */
    enter(): { probe: boolean } | { retryAfterMs: number } {
      if (!open) return { probe: false };
      const now = clock.monotonicMs();
      if (probing || now < nextProbeAt) {
        return { retryAfterMs: nextProbeAt > now ? Math.ceil(nextProbeAt - now) : PROBE_EVERY_MS };
      }
      probing = true;
      nextProbeAt = now + PROBE_EVERY_MS;
      return { probe: true };
    },

    /** Ends a call that was let through. */
    leave({ probe }: { probe: boolean }, health: Health): void {
      // A call that began before the breaker opened has nothing to say any more: the probe decides.
      if (open && !probe) return;
      probing = false;
      if (health === 'unknown') return;
      failuresInARow = health === 'failed' ? failuresInARow + 1 : 0;
      const isOpen = failuresInARow >= FAILURES_TO_OPEN;
      if (isOpen) nextProbeAt = clock.monotonicMs() + PROBE_EVERY_MS;
      if (isOpen !== open) changed(isOpen ? 'open' : 'closed');
      open = isOpen;
    },

    state: (): BreakerState => (!open ? 'closed' : probing ? 'half-open' : 'open'),
  };
}
