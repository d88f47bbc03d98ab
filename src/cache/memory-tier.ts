// The memory tier: what this process remembers of one kind of thing, bounded in bytes.
import { LRUCache } from 'lru-cache';
import { type Entry, inheriting, supersedes } from './entry.ts';

/** An entry in memory, with what only this process knows of it. */
export type Kept<V> = Entry<V> & {
  /** Epoch milliseconds up to which it answers by itself, and up to which it may still be used. */
  readonly freshUntil: number;
  readonly usableUntil: number;
  /** Whether it has answered since it was read. */
  used: boolean;
  /** The public code with which renewing it failed last, and when it makes sense to try again (epoch milliseconds). */
  failure: string | null;
  retryAt: number;
};

export type MemoryTier<V> = {
  get(key: string): Kept<V> | undefined;
  /** The same, without counting as a use. */
  peek(key: string): Kept<V> | undefined;
  /** Keeps `entry` unless what is there is newer; answers what is there then. */
  set(key: string, entry: Entry<V>, freshUntil: number, usableUntil: number): Kept<V>;
  deleteGroup(group: string): void;
  clear(): void;
  /** Keys that have answered since they were read, about in the order in which they go out of date. */
  usedKeys(): IterableIterator<string>;
  bytes(): number;
};

export type MemoryTierOptions<V> = {
  maxBytes: number;
  /** What a value takes, in bytes. */
  sizeOf(value: V): number;
  /** The group that a key is forgotten with; left out where each key is a group of its own. */
  groupOf?: (key: string) => string;
};

/** What an entry takes beside its value: the object, its places in the LRU's arrays and maps, and the key's own head. */
const ENTRY_BYTES = 240;

export function createMemoryTier<V>({ maxBytes, sizeOf, groupOf }: MemoryTierOptions<V>): MemoryTier<V> {
  const groups = new Map<string, Set<string>>();
  const used = new Set<string>();
  const kept = new LRUCache<string, Kept<V>>({
    maxSize: maxBytes,
    sizeCalculation: ({ value }, key) => ENTRY_BYTES + key.length + (value === null ? 0 : sizeOf(value)),
    dispose: (_entry, key, reason) => {
      used.delete(key);
      if (!groupOf || reason === 'set') return;
      const group = groupOf(key);
      const members = groups.get(group);
      members?.delete(key);
      if (members?.size === 0) groups.delete(group);
    },
  });

  return {
    get(key) {
      const entry = kept.get(key);
      if (entry && !entry.used) {
        entry.used = true;
        used.add(key);
      }
      return entry;
    },
    peek: (key) => kept.peek(key),
    set(key, entry, freshUntil, usableUntil) {
      const known = kept.peek(key);
      if (known && !supersedes(entry, known)) return known;
      const next = { ...inheriting(entry, known), freshUntil, usableUntil, used: false, failure: null, retryAt: 0 };
      kept.set(key, next);
      if (groupOf && kept.has(key)) {
        const group = groupOf(key);
        const members = groups.get(group);
        if (members) members.add(key);
        else groups.set(group, new Set([key]));
      }
      return next;
    },
    deleteGroup(group) {
      if (!groupOf) kept.delete(group);
      for (const key of [...(groups.get(group) ?? [])]) kept.delete(key);
    },
    clear: () => kept.clear(),
    usedKeys: () => used.values(),
    bytes: () => kept.calculatedSize,
  };
}
