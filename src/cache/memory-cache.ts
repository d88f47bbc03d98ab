// The memory tier: remembers values for a while, within a bound of bytes. Knows no follow words.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { createSingleFlight, type Start, type Waiter } from './single-flight.ts';

export type MemoryCache<V> = {
  /** The fresh value at once, or a promise of one that `load` brings; equal reads share one load. */
  read(key: string, waiter: Waiter, load: Start<V>): V | Promise<V>;
};

export type MemoryCacheOptions<V> = {
  clock: Clock;
  /** How long a value answers without being asked again, in milliseconds; 0 asks every time. */
  freshMs: number;
  /** Bound of everything that is kept, in bytes as `sizeOf` estimates them. */
  maxBytes: number;
  sizeOf(value: V): number;
};

/** A read-through cache in this process. A failed load is given to who waits for it and is never remembered. */
export function createMemoryCache<V>({ clock, freshMs, maxBytes, sizeOf }: MemoryCacheOptions<V>): MemoryCache<V> {
  const kept = new LRUCache<string, { value: V; storedAt: number }>({
    maxSize: maxBytes,
    sizeCalculation: ({ value }, key) => sizeOf(value) + key.length * 2 + 64,
  });
  const fly = createSingleFlight<V>();

  return {
    read(key, waiter, load) {
      const found = kept.get(key);
      if (found && clock.now() - found.storedAt < freshMs) return found.value;
      return fly(key, waiter, async (all) => {
        const value = await load(all);
        if (freshMs > 0) kept.set(key, { value, storedAt: clock.now() });
        return value;
      });
    },
  };
}
