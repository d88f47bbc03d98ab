// The plain model to beat: a cache that forgets nothing before its time and never asks twice at once, and batches that
// collect the misses of a few milliseconds. One replica, no real code; every answer is there at once.
import type { Freshness } from './cell.ts';
import { indexOfPage, type Query } from './mix.ts';
import { type Bill, CEILINGS, emptyBill } from './upstream.ts';

/** Client pages are cut from upstream pages of so many members. */
const CHUNK = 100;
const WINDOW_MS = 2;

export function billOfPerfectCache(queries: Iterable<Query>, { otherMs, profileMs }: Freshness): Bill {
  const bill = emptyBill();
  const freshUntil = new Map<string, number>();
  const batches = { portrait_get: { leavesAt: -1, seats: 0 }, follow_get_info: { leavesAt: -1, seats: 0 } };

  function misses(key: string, at: number, freshMs: number): boolean {
    if (at < (freshUntil.get(key) ?? -1)) return false;
    freshUntil.set(key, at + freshMs);
    return true;
  }

  function board(command: keyof typeof CEILINGS, at: number): void {
    const batch = batches[command];
    if (at > batch.leavesAt || batch.seats === 0) {
      bill[command]++;
      batch.leavesAt = at + WINDOW_MS;
      batch.seats = CEILINGS[command];
    }
    batch.seats--;
  }

  for (const query of queries) {
    const { at, rank, screen } = query;
    if (screen === 'header') {
      if (misses(`profile ${rank}`, at, profileMs)) board('portrait_get', at);
      if (misses(`counts ${rank}`, at, otherMs)) board('follow_get_info', at);
    } else {
      const chunk = Math.floor(indexOfPage(query.page) / CHUNK);
      if (misses(`${query.list} ${rank} ${chunk}`, at, otherMs)) bill.follow_get++;
    }
  }
  return bill;
}
