import { LRUCache } from 'lru-cache';

/**
 * A map of at most `max` entries: the one that was used longest ago makes room for a new one. By its own `max` lru-cache
 * would make room for all of them beforehand, which takes a start 10 ms for 20,000.
 */
export function createBoundedMap<K extends object | string, V extends object | number>(
  max: number,
  dispose?: LRUCache.Disposer<K, V>,
): LRUCache<K, V> {
  return new LRUCache<K, V>({ maxSize: max, sizeCalculation: () => 1, ...(dispose && { dispose }) });
}
