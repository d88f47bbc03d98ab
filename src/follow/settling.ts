// Forgets once more, when the upstream has had its time: what was remembered meanwhile may lack a change.
import type { Clock } from '../clock.ts';
import type { DomainEvent } from './forgetting.ts';

export type Settling = {
  /** Has what `event` concerns forgotten at the end of the lag that begins now. */
  later(event: DomainEvent): void;
  close(): void;
};

export type SettlingOptions = {
  forget(event: DomainEvent): Promise<void>;
  clock: Clock;
  /** For how long after a change the upstream may be behind, in milliseconds; 0: not at all. */
  lagMs: number;
};

const MOST_WAITING = 20_000;

export function createSettling({ forget, clock, lagMs }: SettlingOptions): Settling {
  const closed = new AbortController();
  const waiting: { at: number; event: DomainEvent }[] = [];
  let isWatching = false;

  async function watch(): Promise<void> {
    if (isWatching) return;
    isWatching = true;
    try {
      for (let first = waiting[0]; first; first = waiting[0]) {
        await clock.sleep(Math.max(0, first.at - clock.now()), closed.signal);
        const due = waiting.splice(0, waiting.filter(({ at }) => at <= clock.now()).length);
        await Promise.all(due.map(({ event }) => forget(event)));
      }
    } catch (error) {
      if (!closed.signal.aborted) throw error;
    } finally {
      isWatching = false;
    }
  }

  return {
    later(event) {
      if (lagMs === 0 || closed.signal.aborted) return;
      waiting.push({ at: clock.now() + lagMs, event });
      if (waiting.length > MOST_WAITING) waiting.shift();
      void watch();
    },
    close: () => closed.abort(),
  };
}
