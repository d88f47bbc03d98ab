// The memory tier: what this process has cached of one kind of thing, bounded in bytes.
import { LRUCache } from 'lru-cache';

/** What is cached of one key. `value` is null for "there is no such thing": knowledge, not failure. */
export type Entry<V> = {
  readonly value: V | null;
  /** Epoch milliseconds at which the source was asked. */
  readonly readAt: number;
  /** The source's own version of the value; null when it did not say. */
  readonly version: number | null;
};

/** How long "there is no such thing" is believed, where values are fresh for that long. */
export const ABSENT_MS = 30_000;

/** An entry with what only this process knows of it. */
export type Kept<V> = Entry<V> & {
  /** The generation that its group had in Redis before the source was asked; null when that is not known. */
  readonly generation: string | null;
  /** Epoch milliseconds up to which it answers by itself, without webhooks and with them. */
  freshUntil: number;
  readonly webhookFreshUntil: number;
  /** When it was read or verified, as a sequence of this process. */
  verifiedSequence: number;
  /** The same for when Redis was asked about it, whether or not that has verified it. */
  lookedUpSequence: number;
  /** The public code with which renewing it failed last, and when to try again (epoch milliseconds). */
  failure: string | null;
  retryAt: number;
};

export type MemoryStoreOptions<V> = {
  maxBytes: number;
  /** What a value takes, in bytes. */
  sizeOf(value: V): number;
  /** The group that a key is invalidated with; left out where each key is a group. */
  groupOf?: (key: string) => string;
};

// Measured on Node 24, as are the sizes of values; `test/cache/memory.test.ts` holds them against the heap.
/** What an entry takes beside its value: the object, its numbers, and its slots in the LRU's lists and maps. */
const ENTRY_BYTES = 360;
/** What a key takes in its group, and a group of one its set. */
const GROUPED_BYTES = 330;

export function createMemoryStore<V>({ maxBytes, sizeOf, groupOf }: MemoryStoreOptions<V>) {
  const groups = new Map<string, Set<string>>();
  const overhead = ENTRY_BYTES + (groupOf ? GROUPED_BYTES : 0);
  const store = new LRUCache<string, Kept<V>>({
    maxSize: maxBytes,
    sizeCalculation: ({ value }, key) => overhead + key.length + (value === null ? 0 : sizeOf(value)),
    dispose(_entry, key) {
      if (!groupOf) return;
      const group = groupOf(key);
      const keys = groups.get(group);
      if (keys?.delete(key) && keys.size === 0) groups.delete(group);
    },
  });

  return {
    get: (key: string): Kept<V> | undefined => store.get(key),
    /** The same, without counting as a use. */
    peek: (key: string): Kept<V> | undefined => store.peek(key),
    /** Keeps `entry` unless what is there is newer; answers what is there then. */
    set(key: string, entry: Kept<V>): Kept<V> {
      const known = store.peek(key);
      if (known && !supersedes(entry, known)) return known;
      // A read that does not say its version is at least as new as what it follows.
      const inherits = entry.version === null && entry.value !== null && known;
      const next = inherits ? { ...entry, version: known.version } : entry;
      store.set(key, next);
      // An entry larger than the whole memory is not kept.
      if (groupOf && store.has(key)) groups.set(groupOf(key), (groups.get(groupOf(key)) ?? new Set()).add(key));
      return next;
    },
    delete: (key: string) => void store.delete(key),
    deleteGroup(group: string): void {
      for (const key of groupOf ? [...(groups.get(group) ?? [])] : [group]) store.delete(key);
    },
    clear: (): void => store.clear(),
    bytes: (): number => store.calculatedSize,
  };
}

/** Whether `next` may take the place of `known`: never an older version; with equal or unknown versions, never an earlier read. */
export function supersedes(next: Entry<unknown>, known: Entry<unknown>): boolean {
  const isVersioned = next.version !== null && known.version !== null && next.version !== known.version;
  return isVersioned ? Number(next.version) > Number(known.version) : next.readAt >= known.readAt;
}
