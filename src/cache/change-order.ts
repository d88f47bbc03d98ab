// In which order this process read and heard of changes, so that a read which began before a change cannot undo it.
import { createBoundedMap } from './bounded-map.ts';

/** A moment in that order, as a number that each change makes larger. */
export type Sequence = number;

export type ChangeOrder = ReturnType<typeof createChangeOrder>;

/** The most groups that are kept apart. A read that outlasts this number of changes counts as outdated, whatever it read. */
const MAX_GROUPS = 50_000;

export function createChangeOrder() {
  let now: Sequence = 0;
  let floor: Sequence = 0;
  const changes = createBoundedMap<string, Sequence>(MAX_GROUPS, (sequence, _group, reason) => {
    if (reason === 'evict') floor = Math.max(floor, sequence);
  });

  return {
    /** Now: to be taken before a read begins, and with what is answered. */
    now: (): Sequence => now,
    /** Whether what was read at `sequence` may differ from what the group is now. */
    changedSince: (group: string, sequence: Sequence): boolean => Math.max(changes.peek(group) ?? 0, floor) > sequence,
    /** Notes an event, or that a value was read which differs from the one before. */
    advance: (group: string): void => void changes.set(group, ++now),
    advanceAll(): void {
      floor = ++now;
    },
  };
}
