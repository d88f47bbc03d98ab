// What no server can beat: the highest rate at which the mix, from cold, can be answered within the upstream's limit.
import { createMix } from '../reference/mix.ts';

const MAX_WAIT_MS = 1000;
const MAX_MISSED_SHARE = 0.01;
const PRECISION = 1.02;

/**
 * For a server that drops nothing from its cache, whose lists never change, to which one call tells a whole list for
 * ever, whose calls take no time, and which asks for counts and profiles at no cost: queries a second.
 */
export function findBound(limit: number, seconds: number): number {
  let [kept, missed] = [limit / 2, limit * 50];
  while (missed / kept > PRECISION) {
    const rate = Math.sqrt(kept * missed);
    if (isPossible(rate, limit, seconds)) kept = rate;
    else missed = rate;
  }
  return kept;
}

function isPossible(rate: number, limit: number, seconds: number): boolean {
  const known = new Set<string>();
  const calls: number[] = [];
  let failed = 0;
  for (const query of createMix(rate, seconds)) {
    if (query.screen === 'header') continue;
    const list = `${query.rank} ${query.list}`;
    if (known.has(list)) continue;
    const goesAt = Math.max(query.at, (calls.at(-limit) ?? Number.NEGATIVE_INFINITY) + 1000);
    if (goesAt - query.at > MAX_WAIT_MS) {
      failed++;
      continue;
    }
    calls.push(goesAt);
    known.add(list);
  }
  return failed <= rate * seconds * MAX_MISSED_SHARE;
}
