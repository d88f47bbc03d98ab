// The follow graph with caches in front of it: the same questions as the upstream answers, asked as seldom as possible.
import { randomUUID } from 'node:crypto';
import { createGenerations } from '../cache/generations.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import { createBatches } from './batches.ts';
import { type CachesOptions, createCaches, pageKey, relationKey } from './caches.ts';
import { type DomainEvent, groupsOf } from './invalidation.ts';
import type { FollowCounts, FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';
import { createPages } from './pages.ts';
import { joinReplicas } from './replicas.ts';
import { type CallOptions, type FollowService, type ProfileService, whenRead } from './services.ts';
import { createWebhookLiveness } from './webhook-liveness.ts';

/** What is fresh in memory, or known to be missing, answers at once; anything else by a promise. */
export type CachedFollowService = ReturnType<typeof createCachedFollowService>;

export type CachedFollowServiceOptions = Omit<CachesOptions, 'webhooksSince' | 'validatePage'> & {
  /** How long after a change the upstream may be behind, in milliseconds; 0: never. */
  lagMs?: number;
  follow: Pick<FollowService, 'readPage' | 'readCounts' | 'readRelations'>;
  profiles: ProfileService;
};

/** More events than this are not made up for after an outage: what they concern goes out of date by itself. */
const MAX_PENDING = 10_000;

export function createCachedFollowService(options: CachedFollowServiceOptions) {
  const { follow, profiles, clock, redis, lifetimes, lagMs = 0 } = options;
  const closed = new AbortController();
  const generations = createGenerations();
  const caches = createCaches(
    {
      ...options,
      // Without Redis no replica passes on what another one was told.
      webhooksSince: () => (redis && !redis.link.isUp() ? null : liveness.since()),
      validatePage: (key, entry, all) => pages.validate(key, entry, all),
    },
    generations,
  );
  const { page, counts, profile, relation } = caches;
  const all: ReadThrough<unknown>[] = Object.values(caches);
  const batches = createBatches({ ...options, caches });
  const countsMs = lifetimes.counts.freshMs;
  const pages = createPages({ follow, caches, counts: batches.counts, generations, clock, countsMs });

  const hearing = Promise.withResolvers<void>();
  if (!redis) hearing.resolve();
  const replicas =
    redis &&
    joinReplicas(redis.link, redis.prefix, randomUUID(), {
      onInvalid: ({ kind, group }) => caches[kind].drop(group),
      onAllInvalid() {
        for (const cache of all) cache.expireAll(true);
      },
      onWebhooks: (since) => liveness.hear(since),
      onGap() {
        hearing.resolve();
        for (const cache of all) cache.expireAll();
      },
    });
  const liveness = createWebhookLiveness({ clock, publish: replicas?.publishWebhooks ?? null });
  /** Events that Redis, or the other replicas, have not heard of. */
  const pending = new Map<string, DomainEvent>();
  redis?.link.whenBack(() => pending.forEach(invalidate));

  /**
   * Makes everything that `event` made wrong invalid, on all replicas. Resolves when Redis has it, or is known to be
   * away: then it is told as soon as it is back.
   */
  async function invalidate(event: DomainEvent): Promise<void> {
    const groups = groupsOf(event);
    const confirmed = await Promise.all(groups.map(({ kind, group }) => caches[kind].invalidate(group)));
    void replicas?.publishInvalid(groups).then((isPublished) => {
      const name = JSON.stringify(event);
      if (isPublished && !confirmed.includes(false)) pending.delete(name);
      else if (pending.size < MAX_PENDING) pending.set(name, event);
    });
  }

  return {
    /** Reads one upstream page. */
    readPage(query: PageQuery, call: CallOptions): FollowPage | Promise<FollowPage> {
      // The counts of a user whose list is looked at are asked for next: they may come along for nothing.
      batches.counts.note(query.userId);
      return whenRead(page.read(pageKey(query), call, pages.load(query)), (cached) => pages.show(cached, call));
    },
    readCounts(userId: UserId, call: CallOptions): FollowCounts | Promise<FollowCounts> {
      batches.counts.note(userId);
      return counts.read(userId, call, (waiter) => batches.counts.load(userId, waiter));
    },
    readProfile(userId: UserId, call: CallOptions): Profile | Promise<Profile> {
      batches.profile.note(userId);
      const read = profile.read(userId, call, (waiter) => batches.profile.load(userId, waiter));
      return whenRead(read, profiles.asAsked);
    },
    /** How `from` stands to `to`. */
    readRelation(from: UserId, to: UserId, call: CallOptions): FollowRelation | Promise<FollowRelation> {
      const key = relationKey(from, to);
      return relation.read(key, call, (waiter) => batches.relation.load(key, waiter));
    },
    refusedTags: profiles.refusedTags,
    /** Whether it is known, without asking, that there is no such account. */
    isKnownMissing(userId: UserId, call: Pick<CallOptions, 'onRead'>): boolean {
      // Both, since both may come to say so.
      const [hasNoProfile, hasNoCounts] = [profile.isAbsent(userId, call), counts.isAbsent(userId, call)];
      return hasNoProfile || hasNoCounts;
    },
    invalidate,
    /** Invalidates once more when the upstream has had its time: what is cached meanwhile may lack the change. */
    invalidateLater(event: DomainEvent): void {
      if (lagMs > 0)
        clock.sleep(lagMs, closed.signal).then(
          () => invalidate(event),
          () => {},
        );
    },
    /** Keeps a relation that is known, as `from` sees it. */
    setRelation: (from: UserId, to: UserId, value: FollowRelation): void =>
      relation.put(relationKey(from, to), value, relation.asOf()),
    /** The upstream has sent a webhook: while it does, on whichever replica, what is cached is fresh for longer. */
    noteWebhook: liveness.note,
    /** Webhooks may be lost for this long (milliseconds): fresh times are those without webhooks, on all replicas. */
    withdrawWebhooks: liveness.withdraw,
    /** Whether what `onRead` told of a group is still so. A replica that hears of no changes cannot say so. */
    isCurrent: (group: string, generation: number): boolean =>
      (redis?.link.isUp() ?? true) && !generations.changedSince(group, generation),
    /** Resolves when this replica hears the others. */
    ready: () => hearing.promise,
    close: () => closed.abort(),
    /** What each kind takes in memory, in estimated bytes. */
    bytes: () => ({ page: page.bytes(), counts: counts.bytes(), profile: profile.bytes(), relation: relation.bytes() }),
  };
}
