// The headline number: how many upstream calls a thousand queries cost, over the last minutes.
import type { Clock } from '../clock.ts';

export const WINDOW_MINUTES = 5;
const SLOT_MS = 10_000;
const SLOTS = (WINDOW_MINUTES * 60_000) / SLOT_MS;

export function createEconomy(clock: Clock) {
  const slots = Array.from({ length: SLOTS }, () => ({ at: 0, queries: 0, calls: 0 }));
  const present = () => Math.floor(clock.now() / SLOT_MS);

  function slot() {
    const at = present();
    // There is a slot for every remainder.
    const current = slots[at % SLOTS] as (typeof slots)[number];
    if (current.at !== at) Object.assign(current, { at, queries: 0, calls: 0 });
    return current;
  }

  return {
    noteQuery(): void {
      slot().queries++;
    },
    noteCall(): void {
      slot().calls++;
    },
    /** NaN when nobody asked anything. */
    callsPerThousandQueries(): number {
      const oldest = present() - SLOTS;
      const recent = slots.filter(({ at }) => at > oldest);
      const sum = (what: 'queries' | 'calls') => recent.reduce((total, counted) => total + counted[what], 0);
      const queries = sum('queries');
      return queries === 0 ? Number.NaN : (sum('calls') / queries) * 1000;
    },
  };
}
