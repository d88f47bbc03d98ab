// Which keys take the spare slots of a batch: those that were asked for lately, or that are likely to be, in turn.
import type { Clock } from '../clock.ts';

/** How many keys one batch looks at for each spare slot. */
const LOOKS_PER_SLOT = 4;
const MAX_KEYS = 20_000;

/** A key that was not noted for `memoryMs` milliseconds is not fetched any more. */
export function createPrefetch(clock: Clock, memoryMs: number) {
  /** Key → when it was noted last; in the order in which they were last looked at. */
  const noted = new Map<string, number>();

  return {
    /** A client asked for `key`, or is likely to. */
    note(key: string): void {
      // What is never fresh is never worth renewing.
      if (memoryMs <= 0) return;
      noted.set(key, clock.now());
      const [first] = noted.size > MAX_KEYS ? noted.keys() : [];
      if (first !== undefined) noted.delete(first);
    },
    /** At most `slots` keys for which `wants` is true; the next call goes on where this one ended. */
    take(slots: number, wants: (key: string) => boolean): string[] {
      const taken: string[] = [];
      let looks = Math.min(noted.size, slots * LOOKS_PER_SLOT);
      for (const [key, at] of noted) {
        if (looks-- <= 0 || taken.length >= slots) break;
        noted.delete(key);
        if (clock.now() - at > memoryMs) continue;
        noted.set(key, at);
        if (wants(key)) taken.push(key);
      }
      return taken;
    },
  };
}
