// The follow graph with caches in front of it: the same questions as the upstream answers, asked as seldom as possible.
import { randomUUID } from 'node:crypto';
import { createChangeOrder } from '../cache/change-order.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import {
  CACHE_KINDS,
  type CacheKind,
  type CachesOptions,
  createBatches,
  createCaches,
  pageKey,
  relationKey,
  type Sources,
  searchKey,
} from './caches.ts';
import { type DomainEvent, type Group, groups, groupsOf, joinReplicas } from './invalidation.ts';
import type { FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';
import { createPages, membersOf, toCached } from './pages.ts';
import { andThen, type CallOptions } from './services.ts';
import { createWebhookLiveness } from './webhook-liveness.ts';

/** A value that is fresh in memory, or known to be missing, answers at once; anything else by a promise. */
export type CachedFollowService = ReturnType<typeof createCachedFollowService>;

export type CachedFollowServiceOptions = Omit<CachesOptions, 'webhooksSince' | 'validatePage'> &
  Sources & {
    /** How long after a change the upstream may be behind, in milliseconds; 0: never. */
    lagMs?: number;
    /** The presence of a user may have changed. */
    onPresence?: (userId: UserId) => void;
  };

/** More events than this are not made up for after an outage: the entries that they concern expire by themselves. */
const MAX_PENDING = 10_000;
/** Redis is told of so many events at a time: thousands at once would take longer than its answer is waited for. */
const MAX_AT_ONCE = 50;

export function createCachedFollowService(options: CachedFollowServiceOptions) {
  const { profiles, blocks, searchUsers, clock, redis, lagMs = 0, onPresence } = options;
  const closed = new AbortController();
  const order = createChangeOrder();
  const caches = createCaches(
    {
      ...options,
      // Without Redis no replica passes on what another one was told.
      webhooksSince: () => (redis && !redis.link.isUp() ? null : liveness.since()),
      validatePage: (key, entry, all) => pages.validate(key, entry, all),
    },
    order,
  );
  const { page, relation, block, blocked, search } = caches;
  const all: ReadThrough<unknown>[] = Object.values(caches);
  const { counts, readProfile, ...read } = createBatches(options, caches);
  const pages = createPages(options, caches, counts, order);

  const hearing = Promise.withResolvers<void>();
  if (!redis) hearing.resolve();
  const replicas =
    redis &&
    joinReplicas(redis.link, redis.prefix, randomUUID(), {
      onInvalid: drop,
      onWebhooks: (since) => liveness.hear(since),
      onGap(isAllInvalid) {
        hearing.resolve();
        for (const cache of all) cache.expireAll(isAllInvalid);
      },
    });
  function drop({ kind, group }: Group): void {
    caches[kind].drop(group);
    if (kind === 'presence') onPresence?.(group);
  }

  const liveness = createWebhookLiveness(clock, replicas?.publishWebhooks ?? null);
  /** Events that Redis, or the other replicas, have not heard of. */
  const pending = new Set<DomainEvent>();
  redis?.link.whenBack(() => void invalidateNow([...pending]));
  /** What is to be invalidated once more, later. */
  const delayed = new Set<readonly DomainEvent[]>();

  /**
   * Keeps what is so after a change, as `from` sees it. Others may have changed it meanwhile, which shows at the end of the
   * lag: where there is none, the next read asks.
   */
  const setKnown =
    <V>({ setInMemory }: Pick<ReadThrough<V>, 'setInMemory'>) =>
    (from: UserId, to: UserId, value: V): void => {
      if (lagMs > 0) setInMemory(relationKey(from, to), value);
    };

  async function invalidateNow(events: readonly DomainEvent[]): Promise<void> {
    // This replica waits for none of the parts.
    for (const { kind, group } of events.slice(MAX_AT_ONCE).flatMap(groupsOf)) caches[kind].drop(group);
    for (let start = 0; start < events.length; start += MAX_AT_ONCE) {
      const some = events.slice(start, start + MAX_AT_ONCE);
      const changed = some.flatMap(groupsOf);
      const confirmed = await Promise.all(changed.map(({ kind, group }) => caches[kind].invalidate(group)));
      const isPublished = (await replicas?.publishInvalid(changed)) ?? true;
      for (const event of some)
        if (isPublished && !confirmed.includes(false)) pending.delete(event);
        else if (pending.size < MAX_PENDING) pending.add(event);
    }
  }

  return {
    /** Reads one upstream page. */
    readPage(query: PageQuery, call: CallOptions): FollowPage | Promise<FollowPage> {
      // The counts of a user whose list is looked at are asked for next: they may come along for nothing.
      counts.note(query.userId);
      return andThen(page.read(pageKey(query), call, pages.load(query)), (cached) => pages.show(cached, call));
    },
    ...read,
    readCounts: counts.read,
    readProfile: (userId: UserId, call: CallOptions): Profile | Promise<Profile> =>
      andThen(readProfile(userId, call), profiles.asAsked),
    readBlocked(userId: UserId, call: CallOptions): FollowPage | Promise<FollowPage> {
      const load = (waiter: CallOptions) => blocks.readBlocked(userId, waiter).then(toCached);
      return andThen(blocked.read(userId, call, load), membersOf);
    },
    readSearch(words: readonly string[], start: string, call: CallOptions): FollowPage | Promise<FollowPage> {
      const load = (waiter: CallOptions) => searchUsers(words, start, waiter).then(toCached);
      return andThen(search.read(searchKey(words, start), call, load), membersOf);
    },
    /** The presence of these users may have changed: told to all replicas at once, since many change. */
    invalidatePresences(userIds: readonly UserId[]): void {
      const changed = groups('presence', ...userIds);
      changed.forEach(drop);
      void replicas?.publishInvalid(changed);
    },
    refusedTags: profiles.refusedTags,
    /**
     * Makes everything that the events made wrong invalid, on all replicas. Resolves when Redis has it, or is known to be
     * away: then it is told as soon as it is back. Once more when the upstream has had its time: values cached meanwhile
     * may lack the change.
     */
    invalidate(events: readonly DomainEvent[]): Promise<void> {
      const again = () => {
        delayed.delete(events);
        return invalidateNow(events);
      };
      if (lagMs > 0) {
        delayed.add(events);
        clock.sleep(lagMs, closed.signal).then(again, () => {});
      }
      return invalidateNow(events);
    },
    /** Does that once more now: when this replica stops, no other one will. */
    settle: () => invalidateNow([...delayed].flat()),
    /** What memory knows of a relation, however old; null when it knows nothing. */
    knownRelation: (from: UserId, to: UserId): FollowRelation | null =>
      relation.peek(relationKey(from, to))?.value ?? null,
    setBlock: setKnown(block),
    setRelation: setKnown(relation),
    /** The upstream has sent a webhook: while it does, on whichever replica, cached values are fresh for longer. */
    noteWebhook: liveness.note,
    /** Webhooks may be lost for this long (milliseconds): fresh times are those without webhooks, on all replicas. */
    withdrawWebhooks: liveness.withdraw,
    /** Whether what `onRead` told of a group is still so. A replica that hears of no changes cannot say so. */
    isCurrent: (group: string, sequence: number): boolean =>
      (redis?.link.isUp() ?? true) && !order.changedSince(group, sequence),
    /** Resolves when this replica hears the others. */
    ready: () => hearing.promise,
    close: () => closed.abort(),
    /** What each kind takes in memory, in estimated bytes. */
    bytes: () =>
      Object.fromEntries(CACHE_KINDS.map((kind) => [kind, caches[kind].bytes()])) as Record<CacheKind, number>,
  };
}
