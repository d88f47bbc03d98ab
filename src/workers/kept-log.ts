// The log's one order: an id for every entry, and the last entries for workers that come later.
import type { LogEntry } from '../cache/log.ts';
import type { Clock } from '../clock.ts';

export type KeptLog = {
  /** Gives the entry its id. */
  add(value: unknown): LogEntry;
  /** What there is, oldest first, and the place behind which nothing is lacking. */
  kept(): { place: string; entries: readonly LogEntry[] };
};

export function createKeptLog({ most, clock }: { most: number; clock: Clock }): KeptLog {
  let [lastMs, seq] = [clock.now(), 0];
  let place = `${lastMs}-0`;
  let entries: LogEntry[] = [];

  return {
    add(value) {
      const now = clock.now();
      // A clock that was set back must not take the order with it.
      [lastMs, seq] = now > lastMs ? [now, 0] : [lastMs, seq + 1];
      const entry = { id: `${lastMs}-${seq}`, value };
      entries.push(entry);
      // Cut now and then: cutting off one at a time would move all the others each time.
      if (entries.length >= 2 * most) {
        place = (entries[entries.length - most - 1] as LogEntry).id;
        entries = entries.slice(-most);
      }
      return entry;
    },
    kept() {
      if (entries.length <= most) return { place, entries };
      return { place: (entries[entries.length - most - 1] as LogEntry).id, entries: entries.slice(-most) };
    },
  };
}
