// The headline number: how many upstream calls a thousand queries cost, over the last minutes.
import type { Clock } from '../clock.ts';

const WINDOW_MINUTES = 5;
const SLOT_MS = 10_000;
const SLOTS = (WINDOW_MINUTES * 60_000) / SLOT_MS;

/** What was asked, and what was asked upstream for it, in the last minutes. */
export type Recent = { queries: number; calls: number };

export const CALLS_PER_THOUSAND = {
  name: 'follow_gateway_upstream_calls_per_thousand_queries',
  help: `Calls sent upstream for every 1,000 operations that ran, over the last ${WINDOW_MINUTES} minutes.`,
};

/** NaN when nobody asked anything. */
export const callsPerThousand = ({ queries, calls }: Recent): number =>
  queries === 0 ? Number.NaN : (calls / queries) * 1000;

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
    recent(): Recent {
      const oldest = present() - SLOTS;
      const recent = slots.filter(({ at }) => at > oldest);
      const sum = (what: keyof Recent) => recent.reduce((total, counted) => total + counted[what], 0);
      return { queries: sum('queries'), calls: sum('calls') };
    },
  };
}
