// Who may take a spare seat in a batch: keys that were asked for lately, or that are likely to be, in turn.
import type { Clock } from '../clock.ts';

export type Riders = {
  /** Somebody asked for `key`, or is likely to. */
  note(key: string): void;
  /** At most `seats` keys for which `wants` is true; the next call goes on where this one ended. */
  board(seats: number, wants: (key: string) => boolean): string[];
};

export type RidersOptions = {
  clock: Clock;
  /** Who was not noted for so long, in milliseconds, does not ride any more. */
  memoryMs: number;
  /** So many keys are noted; beyond it the one that was first goes. */
  most: number;
};

/** How many keys one batch looks at for each spare seat. */
const LOOKS_PER_SEAT = 4;

export function createRiders({ clock, memoryMs, most }: RidersOptions): Riders {
  /** Key → when it was noted last; in the order in which they were last looked at. */
  const noted = new Map<string, number>();

  return {
    note(key) {
      // What is never fresh is never worth renewing.
      if (memoryMs <= 0) return;
      noted.set(key, clock.now());
      if (noted.size <= most) return;
      for (const first of noted.keys()) {
        noted.delete(first);
        break;
      }
    },
    board(seats, wants) {
      const riding: string[] = [];
      let looks = Math.min(noted.size, seats * LOOKS_PER_SEAT);
      for (const [key, at] of noted) {
        if (looks-- <= 0 || riding.length >= seats) break;
        noted.delete(key);
        if (clock.now() - at > memoryMs) continue;
        noted.set(key, at);
        if (wants(key)) riding.push(key);
      }
      return riding;
    },
  };
}
