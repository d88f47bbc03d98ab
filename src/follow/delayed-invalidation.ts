// Invalidates once more when the upstream has had its time: what was cached meanwhile may lack a change.
import type { Clock } from '../clock.ts';
import type { DomainEvent } from './invalidation.ts';

export type DelayedInvalidation = ReturnType<typeof createDelayedInvalidation>;

/** `lagMs` is how long after a change the upstream may be behind; 0: never. */
export function createDelayedInvalidation(
  invalidate: (event: DomainEvent) => Promise<void>,
  { clock, lagMs }: { clock: Clock; lagMs: number },
) {
  const closed = new AbortController();

  return {
    /** Invalidates what `events` concern at the end of the lag that begins now. */
    schedule(events: readonly DomainEvent[]): void {
      if (lagMs === 0 || events.length === 0) return;
      clock.sleep(lagMs, closed.signal).then(
        () => events.forEach(invalidate),
        () => {},
      );
    },
    close: () => closed.abort(),
  };
}
