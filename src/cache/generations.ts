// In which order this process read and heard of changes, so that a read which began before a change cannot undo it.
import { createBoundedMap } from './bounded-map.ts';

/** A moment in that order. */
export type Generation = number;

export type Generations = ReturnType<typeof createGenerations>;

/** The most groups that are kept apart. A read that outlasts this number of changes counts as outdated, whatever it read. */
const MAX_GROUPS = 50_000;

export function createGenerations() {
  let now: Generation = 0;
  let floor: Generation = 0;
  const changes = createBoundedMap<string, Generation>(MAX_GROUPS, (generation, _group, reason) => {
    if (reason === 'evict') floor = Math.max(floor, generation);
  });

  return {
    /** Now: to be taken before a read begins, and with what is answered. */
    now: (): Generation => now,
    /** Whether what was read at `generation` may differ from what the group is now. */
    changedSince: (group: string, generation: Generation): boolean =>
      Math.max(changes.peek(group) ?? 0, floor) > generation,
    /** Notes an event, or that a value was read which differs from the one before. */
    advance: (group: string): void => void changes.set(group, ++now),
    advanceAll(): void {
      floor = ++now;
    },
  };
}
