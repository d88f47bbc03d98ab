// Upstream pages: cached without the profiles of their members, which are cached once for all pages, and shown with them.
import { LRUCache } from 'lru-cache';
import type { BatchLoader } from '../cache/batch-loader.ts';
import type { ChangeOrder } from '../cache/change-order.ts';
import type { Entry } from '../cache/memory-store.ts';
import type { Load } from '../cache/read-through.ts';
import type { CallOptions } from '../cache/single-flight.ts';
import { type Caches, type CachesOptions, ownerOfPage, type Sources } from './caches.ts';
import type { CachedPage } from './codec.ts';
import type { FollowCounts, FollowPage, PageQuery, Profile, UserId } from './model.ts';

/** Pages of which the members stand ready, each with its profile. */
const MAX_VIEWS = 400;
/** The group of all profiles, which show on pages. */
const PROFILES = 'profile';

/** A page without the profiles of its members. */
export const toCached = ({ entries, next }: FollowPage): CachedPage => ({
  ids: entries.map(({ user }) => user.id),
  times: entries.map(({ followedAt }) => followedAt),
  ...{ next, count: null },
});

/** A cached page with what is known of its members. */
export const membersOf = (
  { ids, times, next }: CachedPage,
  profileOf: (id: UserId) => Profile | null = () => null,
): FollowPage => ({
  entries: ids.map((id, n) => ({ user: { id, profile: profileOf(id) }, followedAt: times[n] as number })),
  next,
});

export function createPages(
  { follow, clock, lifetimes }: CachesOptions & Sources,
  caches: Caches,
  counts: Pick<BatchLoader<FollowCounts>, 'load'>,
  order: ChangeOrder,
) {
  const { profile } = caches;
  const views = new LRUCache<CachedPage, { page: FollowPage; madeAt: number }>({ max: MAX_VIEWS });

  /** How many members the list had at most one fresh time before a page of it was read; null: that is not known. */
  function countBefore({ userId, list }: PageQuery): number | null {
    const known = caches.counts.peek(userId);
    return known?.value && clock.now() - known.readAt <= lifetimes.counts.freshMs ? known.value[list] : null;
  }

  return {
    /** Asks the upstream, and keeps the profiles that come along. */
    load:
      (query: PageQuery): Load<CachedPage> =>
      async (waiter) => {
        const [began, before] = [profile.asOf(), countBefore(query)];
        const read = await follow.readPage(query, waiter);
        const { next } = read;
        const entries = read.entries.map(({ user: { id, profile: brought }, followedAt }) => ({
          user: { id, profile: brought ? profile.put(id, brought, began) : profile.peekFresh(id) },
          followedAt,
        }));
        const count = query.start === '' && next === '' ? entries.length : before;
        const value = { ...toCached(read), count };
        // The profile tier may have evicted some already: the readers of this load get all of them.
        views.set(value, { page: { entries, next }, madeAt: began.sequence });
        return value;
      },

    /**
     * The page with its members' profiles as far as memory has fresh ones, the others are asked for: it may come from another
     * replica, long after they were read here. The same object until a profile changes.
     */
    show(cached: CachedPage, { onRead }: CallOptions): FollowPage {
      const now = order.now();
      onRead?.({ group: PROFILES, sequence: now, freshUntil: Number.POSITIVE_INFINITY });
      const known = views.get(cached);
      if (known && !order.changedSince(PROFILES, known.madeAt)) return known.page;
      const page = membersOf(cached, profile.peekFresh);
      views.set(cached, { page, madeAt: now });
      return page;
    },

    /** A page whose owner's counter has not changed is taken to be as it was when that was read. */
    async validate(key: string, { value: page }: Entry<CachedPage>, all: CallOptions): Promise<number | null> {
      if (page?.count == null) return null;
      const [userId, list] = ownerOfPage(key);
      const load = (waiter: CallOptions) => counts.load(userId, waiter);
      const read = await caches.counts.readFresh(userId, all, load).catch(() => null);
      return read?.value?.[list] === page.count ? read.readAt : null;
    },
  };
}
