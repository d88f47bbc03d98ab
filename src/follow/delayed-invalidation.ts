// Invalidates once more when the upstream has had its time: what was cached meanwhile may lack a change.
import type { Clock } from '../clock.ts';
import type { DomainEvent } from './invalidation.ts';

export type DelayedInvalidation = {
  /** Invalidates what `events` concern at the end of the lag that begins now. */
  schedule(events: readonly DomainEvent[]): void;
  close(): void;
};

export type DelayedInvalidationOptions = {
  invalidate(event: DomainEvent): Promise<void>;
  clock: Clock;
  /** How long after a change the upstream may be behind, in milliseconds; 0: never. */
  lagMs: number;
};

export function createDelayedInvalidation(options: DelayedInvalidationOptions): DelayedInvalidation {
  const { invalidate, clock, lagMs } = options;
  const closed = new AbortController();

  return {
    schedule(events) {
      if (lagMs === 0 || events.length === 0) return;
      clock.sleep(lagMs, closed.signal).then(
        () => events.forEach(invalidate),
        () => {},
      );
    },
    close: () => closed.abort(),
  };
}
