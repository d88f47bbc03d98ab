/** What a cache remembers of one key. `value` is null for "there is no such thing": knowledge, not failure. */
export type Entry<V> = {
  readonly value: V | null;
  /** Epoch milliseconds at which the source was asked. */
  readonly readAt: number;
  /**
   * The same on Redis' own clock, in microseconds, as the order in which reads and forgets happened; null when Redis
   * was not there to say.
   */
  readonly ticket: number | null;
  /** The source's own version of the value; null when it did not say. */
  readonly version: number | null;
  /** How long before that the group had last been forgotten, in milliseconds, as Redis told; left out by who read it. */
  readonly sinceForgotten?: number;
};

/**
 * Whether `next` may take the place of `known`: never an older version; with equal or unknown versions, never an
 * earlier read.
 */
export function supersedes(next: Entry<unknown>, known: Entry<unknown> | undefined): boolean {
  if (!known) return true;
  if (next.version !== null && known.version !== null && next.version !== known.version)
    return next.version > known.version;
  return next.readAt >= known.readAt;
}

/** `next` with the version that it inherits: a read without one is at least as new as what it follows. */
export function inheriting<E extends Entry<unknown>>(next: E, known: Entry<unknown> | undefined): E {
  return next.version === null && next.value !== null && known ? { ...next, version: known.version } : next;
}
