// What a cached follow service takes beside what a test is about.
import type { Lifetimes } from '../../src/cache/tiers.ts';
import { CACHE_KINDS, type CacheKind } from '../../src/follow/caches.ts';

/** The same lifetimes for every kind, and sources that are never asked. */
export const cacheOptions = (each: Lifetimes) => ({
  lifetimes: Object.fromEntries(CACHE_KINDS.map((kind) => [kind, each])) as Record<CacheKind, Lifetimes>,
  blocks: { readBlocks: unused, readBlocked: unused },
  presences: { readPresences: unused },
  searches: { searchUsers: unused },
});

const unused = () => Promise.reject(new Error('This test is not about this.'));
