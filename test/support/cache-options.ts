// What a cached follow service takes beside what a test is about.
import type { Lifetimes } from '../../src/cache/tiers.ts';

/** The same lifetimes for every kind, and sources that are never asked. */
export const cacheOptions = (each: Lifetimes) => ({
  lifetimes: { page: each, counts: each, profile: each, relation: each, block: each, blocked: each, presence: each },
  blocks: { readBlocks: unused, readBlocked: unused },
  presences: { readPresences: unused },
});

const unused = () => Promise.reject(new Error('This test is not about this.'));
