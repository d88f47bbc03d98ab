// Searches for users, each kept for a minute: the upstream takes two a second of the whole app.
import { createHash } from 'node:crypto';
import { createGenerations } from '../cache/generations.ts';
import { createReadThrough } from '../cache/read-through.ts';
import type { Redis } from '../cache/tiers.ts';
import type { Clock } from '../clock.ts';
import { type CachedPage, page } from './codec.ts';
import type { FollowPage } from './model.ts';
import { andThen, type CallOptions, type UserSearchService } from './services.ts';

const LIFETIMES = { freshMs: 60_000, webhookFreshMs: 60_000, staleMs: 600_000 };
const MEMORY_BYTES = 4_000_000;

export type SearchUsers = ReturnType<typeof createUserSearch>;

export function createUserSearch(
  { searchUsers }: UserSearchService,
  { clock, redis }: { clock: Clock; redis: Redis | null },
) {
  const cache = createReadThrough<CachedPage>({
    ...page,
    ...{ kind: 'search', clock, redis, lifetimes: LIFETIMES, maxBytes: MEMORY_BYTES },
    // Nothing invalidates a search but time.
    generations: createGenerations(),
  });

  /** A page of the users whose nick has all the words in it, or whose id is one, as a list whose members have no times. */
  return (words: readonly string[], start: string, call: CallOptions): FollowPage | Promise<FollowPage> => {
    // A store shows its keys, and search words are private.
    const key = createHash('sha256')
      .update(JSON.stringify([words, start]))
      .digest('base64url');
    const read = cache.read(key, call, async (all) => {
      const { ids, next } = await searchUsers(words, start, all);
      return { ids, next, times: ids.map(() => 0), count: null, partial: null };
    });
    return andThen(read, ({ ids, next }) => {
      return { next, entries: ids.map((id) => ({ user: { id, profile: null }, followedAt: 0 })) };
    });
  };
}
