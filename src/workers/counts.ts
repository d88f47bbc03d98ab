// Counts that all workers add to, one for each name and window of time.
import { LRUCache } from 'lru-cache';
import type { SharedCount } from '../cache/shared-counts.ts';

/** Names of whom nothing was heard for longest are forgotten beyond so many. */
const MOST_NAMES = 100_000;

/** Creates them; `add` answers with what all workers have counted in the window, and in the one before it. */
export function createCounts() {
  const counts = new LRUCache<string, SharedCount & { window: number }>({ max: MOST_NAMES });
  return {
    add(name: string, window: number, count: number): SharedCount {
      const known = counts.get(name);
      // A worker whose clock is read a moment later than another's counts for the newer window.
      if (known && known.window >= window) {
        known.current += count;
        return known;
      }
      const previous = known?.window === window - 1 ? known.current : 0;
      const fresh = { window, current: count, previous };
      counts.set(name, fresh);
      return fresh;
    },
  };
}
