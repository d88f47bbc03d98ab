// The follow graph with caches in front of it: the same questions as the upstream answers, asked as seldom as possible.
import { randomUUID } from 'node:crypto';
import type { BatchLoad } from '../cache/batch-loader.ts';
import { createGenerations } from '../cache/generations.ts';
import type { Load, ReadThrough } from '../cache/read-through.ts';
import { createBatches } from './batches.ts';
import { type CacheKind, type CachesOptions, createCaches, found, pageKey, relationKey } from './caches.ts';
import { type DomainEvent, groupsOf } from './invalidation.ts';
import type { FollowCounts, FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';
import { createPages, PROFILES } from './pages.ts';
import { joinReplicas } from './replicas.ts';
import type { CallOptions, FollowService, ProfileService } from './services.ts';
import { createWebhookLiveness } from './webhook-liveness.ts';

/** What is fresh in memory, or known to be missing, answers at once; anything else by a promise. */
export type CachedFollowService = Pick<ProfileService, 'refusedTags'> & {
  /** Reads one upstream page. */
  readPage(query: PageQuery, call: CallOptions): FollowPage | Promise<FollowPage>;
  readCounts(userId: UserId, call: CallOptions): FollowCounts | Promise<FollowCounts>;
  readProfile(userId: UserId, call: CallOptions): Profile | Promise<Profile>;
  /** How `from` stands to `to`. */
  readRelation(from: UserId, to: UserId, call: CallOptions): FollowRelation | Promise<FollowRelation>;
  /** Whether it is known, without asking, that there is no such account. */
  isKnownMissing(userId: UserId, call: Pick<CallOptions, 'onRead'>): boolean;
  /**
   * Makes everything that `event` made wrong invalid, on all replicas. Resolves when Redis has it, or is known to be
   * away: then it is told as soon as it is back.
   */
  invalidate(event: DomainEvent): Promise<void>;
  /** Keeps a relation that is known, as `from` sees it. */
  setRelation(from: UserId, to: UserId, relation: FollowRelation): void;
  /** The upstream has sent a webhook: while it does, on whichever replica, what is cached is fresh for longer. */
  noteWebhook(): void;
  /** Webhooks may be lost for this long (milliseconds): fresh times are those without webhooks, on all replicas. */
  withdrawWebhooks(ms: number): void;
  /** Whether what `onRead` told of a group is still so. */
  isCurrent(group: string, generation: number): boolean;
  /** Resolves when this replica hears the others. */
  ready(): Promise<void>;
  /** What each kind takes in memory, in estimated bytes. */
  bytes(): Record<CacheKind, number>;
};

export type CachedFollowServiceOptions = Omit<CachesOptions, 'webhooksSince' | 'validatePage' | 'onProfileChange'> & {
  follow: Pick<FollowService, 'readPage' | 'readCounts' | 'readRelations'>;
  profiles: ProfileService;
};

/** More events than this are not made up for after an outage: what they concern goes out of date by itself. */
const MAX_PENDING = 10_000;

export function createCachedFollowService(options: CachedFollowServiceOptions): CachedFollowService {
  const { follow, profiles, clock, redis, lifetimes } = options;
  const generations = createGenerations();
  const caches = createCaches(
    {
      ...options,
      // Without Redis no replica passes on what another one was told.
      webhooksSince: () => (redis && !redis.link.isUp() ? null : liveness.since()),
      validatePage: (key, entry, all) => pages.validate(key, entry, all),
      onProfileChange: () => generations.advance(PROFILES),
    },
    generations,
  );
  const { page, counts, profile, relation } = caches;
  const all: ReadThrough<unknown>[] = Object.values(caches);
  const batches = createBatches({ ...options, caches, generations });
  const { loadCounts } = batches;
  const pages = createPages({ follow, caches, loadCounts, generations, clock, countsMs: lifetimes.counts.freshMs });
  const from =
    <V>(load: BatchLoad<V>, key: string): Load<V> =>
    async (waiter) =>
      found(await load(key, waiter));

  const hearing = Promise.withResolvers<void>();
  if (!redis) hearing.resolve();
  const replicas =
    redis &&
    joinReplicas(redis.link, redis.prefix, randomUUID(), {
      onInvalid({ kind, group }, isConfirmed) {
        if (isConfirmed) caches[kind].drop(group);
        else void caches[kind].invalidate(group);
      },
      onAllInvalid() {
        for (const cache of all) cache.clear();
      },
      onWebhooks: (since) => liveness.hear(since),
      onGap() {
        hearing.resolve();
        for (const cache of all) cache.expireAll();
      },
    });
  const liveness = createWebhookLiveness({ clock, publish: replicas?.publishWebhooks ?? null });
  /** Events that the other replicas have not heard of. */
  const pending = new Map<string, DomainEvent>();
  redis?.link.whenBack(() => pending.forEach(invalidate));

  async function invalidate(event: DomainEvent): Promise<void> {
    const groups = groupsOf(event);
    const confirmed = await Promise.all(groups.map(({ kind, group }) => caches[kind].invalidate(group)));
    void replicas?.publishInvalid(groups, !confirmed.includes(false)).then((isPublished) => {
      const name = JSON.stringify(event);
      if (isPublished && !confirmed.includes(false)) pending.delete(name);
      else if (pending.size < MAX_PENDING) pending.set(name, event);
    });
  }

  return {
    readPage(query, call) {
      // The counts of a user whose list is looked at are asked for next: they may come along for nothing.
      batches.noteCounts(query.userId);
      const cached = page.read(pageKey(query), call, pages.load(query));
      return cached instanceof Promise ? cached.then((arrived) => pages.show(arrived, call)) : pages.show(cached, call);
    },
    readCounts(userId, call) {
      batches.noteCounts(userId);
      return counts.read(userId, call, from(loadCounts, userId));
    },
    readProfile(userId, call) {
      batches.noteProfile(userId);
      const cached = profile.read(userId, call, from(batches.loadProfile, userId));
      return cached instanceof Promise ? cached.then(profiles.asAsked) : profiles.asAsked(cached);
    },
    readRelation(viewer, to, call) {
      const key = relationKey(viewer, to);
      return relation.read(key, call, from(batches.loadRelation, key));
    },
    refusedTags: profiles.refusedTags,
    isKnownMissing(userId, call) {
      // Both, since both may come to say so.
      const [hasNoProfile, hasNoCounts] = [profile.isAbsent(userId, call), counts.isAbsent(userId, call)];
      return hasNoProfile || hasNoCounts;
    },
    invalidate,
    setRelation(viewer, to, value) {
      relation.put(relationKey(viewer, to), { value }, { readAt: clock.now(), generation: generations.now() });
    },
    noteWebhook: liveness.note,
    withdrawWebhooks: liveness.withdraw,
    // A replica that Redis cannot tell of changes has each value's own age decide.
    isCurrent: (group, generation) => (redis?.link.isUp() ?? true) && !generations.changedSince(group, generation),
    ready: () => hearing.promise,
    bytes: () => ({ page: page.bytes(), counts: counts.bytes(), profile: profile.bytes(), relation: relation.bytes() }),
  };
}
