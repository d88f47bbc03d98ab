// The order of reads and forgets in this process, so that a read which began before a forget cannot undo it.

/** A moment in that order. */
export type Tick = number;

export type Forgets = {
  /** Now: to be taken before a read begins. */
  tick(): Tick;
  /** A tick that no read has had so far. */
  next(): Tick;
  note(group: string): void;
  noteEverything(): void;
  /** Whether a read that began at `tick` may bring back what was forgotten of `group` since. */
  outdates(group: string, tick: Tick): boolean;
};

/** So many groups are told apart. A read that outlasts as many forgets counts as outdated, whatever it read. */
const MOST_NOTES = 10_000;

export function createForgets(mostNotes = MOST_NOTES): Forgets {
  const notes = new Map<string, Tick>();
  let now: Tick = 0;
  let everythingAt: Tick = 0;

  return {
    tick: () => now,
    next: () => ++now,
    note(group) {
      now++;
      // Set anew, a group moves to the end: the map is in the order of its ticks.
      notes.delete(group);
      notes.set(group, now);
      if (notes.size <= mostNotes) return;
      for (const [oldest, tick] of notes) {
        notes.delete(oldest);
        everythingAt = Math.max(everythingAt, tick);
        break;
      }
    },
    noteEverything() {
      everythingAt = ++now;
      notes.clear();
    },
    outdates: (group, tick) => everythingAt > tick || (notes.get(group) ?? 0) > tick,
  };
}
