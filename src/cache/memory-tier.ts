// The memory tier: what this process remembers of one kind of thing, bounded in bytes.
import { LRUCache } from 'lru-cache';
import { type Entry, inheriting, supersedes } from './entry.ts';
import type { Tick } from './forgets.ts';

/** An entry in memory, with what only this process knows of it. */
export type Kept<V> = Entry<V> & {
  /**
   * Epoch milliseconds up to which it answers by itself, up to which it does so where changes are told, and up to which
   * it may still be used.
   */
  readonly freshUntil: number;
  readonly toldUntil: number;
  readonly usableUntil: number;
  /** When it was read, in the order of this process' forgets. */
  readonly tick: Tick;
  /** The public code with which renewing it failed last, and when it makes sense to try again (epoch milliseconds). */
  failure: string | null;
  retryAt: number;
};

export type MemoryTier<V> = {
  get(key: string): Kept<V> | undefined;
  /** The same, without counting as a use. */
  peek(key: string): Kept<V> | undefined;
  /** Keeps `entry` unless what is there is newer; answers what is there then. */
  set(key: string, entry: Kept<V>): Kept<V>;
  deleteGroup(group: string): void;
  clear(): void;
  bytes(): number;
};

export type MemoryTierOptions<V> = {
  maxBytes: number;
  /** What a value takes, in bytes. */
  sizeOf(value: V): number;
  /** The group that a key is forgotten with; left out where each key is a group of its own. */
  groupOf?: (key: string) => string;
};

// Measured on Node 24, as are the sizes of values; `test/cache/memory.test.ts` holds them against the heap.
/** What an entry takes beside its value: the object, its numbers, and its places in the LRU's lists and maps. */
const ENTRY_BYTES = 360;
/** What a key's place in its group takes, and a group of one its set. */
const GROUPED_BYTES = 330;

/** One for all: the cache would make options of its own for each look. */
const PLAINLY = {};

export function createMemoryTier<V>({ maxBytes, sizeOf, groupOf }: MemoryTierOptions<V>): MemoryTier<V> {
  const groups = new Map<string, Set<string>>();
  const overhead = ENTRY_BYTES + (groupOf ? GROUPED_BYTES : 0);
  const kept = new LRUCache<string, Kept<V>>({
    maxSize: maxBytes,
    sizeCalculation: ({ value }, key) => overhead + key.length + (value === null ? 0 : sizeOf(value)),
    dispose(_entry, key) {
      if (groupOf) leaveGroup(groupOf(key), key);
    },
  });

  function joinGroup(group: string, key: string): void {
    const members = groups.get(group);
    if (members) members.add(key);
    else groups.set(group, new Set([key]));
  }

  function leaveGroup(group: string, key: string): void {
    const members = groups.get(group);
    members?.delete(key);
    if (members?.size === 0) groups.delete(group);
  }

  return {
    get: (key) => kept.get(key),
    peek: (key) => kept.peek(key, PLAINLY),
    set(key, entry) {
      const known = kept.peek(key, PLAINLY);
      if (known && !supersedes(entry, known)) return known;
      const next = inheriting(entry, known);
      kept.set(key, next);
      // What is larger than the whole memory is not kept.
      if (groupOf && kept.has(key)) joinGroup(groupOf(key), key);
      return next;
    },
    deleteGroup(group) {
      if (!groupOf) kept.delete(group);
      for (const key of [...(groups.get(group) ?? [])]) kept.delete(key);
    },
    clear: () => kept.clear(),
    bytes: () => kept.calculatedSize,
  };
}
