// The follow graph with caches in front of it: the same questions as the upstream answers, asked as seldom as possible.
import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type BatchLoad, createBatchLoader } from '../cache/batch-loader.ts';
import { createGenerations } from '../cache/generations.ts';
import type { Entry } from '../cache/memory-store.ts';
import { createPrefetch, type Prefetch } from '../cache/prefetch.ts';
import type { AsOf, Load, ReadThrough } from '../cache/read-through.ts';
import type { Waiter } from '../cache/single-flight.ts';
import {
  type CacheKind,
  type CachesOptions,
  createCaches,
  ownerOfPage,
  pageKey,
  relationKey,
  usersOfRelation,
} from './caches.ts';
import type { CachedPage } from './codec.ts';
import { type DomainEvent, groupsOf } from './invalidation.ts';
import type { FollowCounts, FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';
import { joinReplicas } from './replicas.ts';
import type { Batch, CallOptions, FollowService, ProfileService } from './services.ts';
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
   * away: then it hears of it as soon as it is back.
   */
  invalidate(event: DomainEvent): Promise<void>;
  /** Keeps a relation that is known, as `from` sees it. */
  setRelation(from: UserId, to: UserId, relation: FollowRelation): void;
  /** The upstream has sent a webhook: while it does, on whichever replica, what is cached is fresh for longer. */
  noteWebhook(): void;
  /** Webhooks may be lost for this long (milliseconds): fresh times are those without webhooks, on all replicas. */
  withdrawWebhooks(ms: number): void;
  /** Whether `generation`, which `onRead` reported, is still the group's. */
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

/** Largest batches of the upstream (CONTRACT 0, fact 3). */
const MAX_BATCH = { counts: 20, profile: 100 } as const;
/** A cached entry takes a spare slot when less than this share of its fresh time is left, */
const PREFETCH_SHARE = 0.5;
/** as long as a client has asked for it within this number of fresh times, */
const PREFETCH_MEMORY = 20;
/** or within this number of the fresh times that hold while webhooks arrive. */
const WEBHOOK_PREFETCH_MEMORY = 2;
/** Pages of which the members stand ready, each with its profile. */
const MAX_VIEWS = 400;
/** More events than this are not made up for after an outage: what they concern goes out of date by itself. */
const MAX_PENDING = 10_000;
/** The group of everything that shows profiles of members. */
const PROFILES = 'profiles';

export function createCachedFollowService(options: CachedFollowServiceOptions): CachedFollowService {
  const { follow, profiles, clock, redis, lifetimes, observer = {} } = options;
  const generations = createGenerations();
  /** Counts the changes of profiles in memory. */
  let edition = 0;
  const views = new LRUCache<CachedPage, { page: FollowPage; edition: number }>({ max: MAX_VIEWS });
  const caches = createCaches(
    {
      ...options,
      // Without Redis no replica hears of webhooks that another one received.
      webhooksSince: () => (redis && !redis.link.isUp() ? null : liveness.since()),
      validatePage,
      onProfileChange() {
        edition++;
        generations.advance(PROFILES);
      },
    },
    generations,
  );
  const { page, counts, profile, relation } = caches;
  const all: ReadThrough<unknown>[] = Object.values(caches);

  const prefetchOf = (kind: CacheKind): Prefetch => {
    const { freshMs, webhookFreshMs } = lifetimes[kind];
    return createPrefetch({
      clock,
      memoryMs: Math.max(PREFETCH_MEMORY * freshMs, WEBHOOK_PREFETCH_MEMORY * webhookFreshMs),
    });
  };
  const prefetch = { counts: prefetchOf('counts'), profile: prefetchOf('profile') };
  const asOfNow = (): AsOf => ({ readAt: clock.now(), generation: generations.now() });

  function batched<V extends object>(
    kind: 'counts' | 'profile',
    cache: ReadThrough<V>,
    call: (keys: readonly string[], all: Waiter) => Promise<Batch<V>>,
    /** Whether a key also comes along of which nothing is known. */
    bringsNew: boolean,
  ): BatchLoad<V> {
    return createBatchLoader<V>({
      clock,
      maxBatchSize: MAX_BATCH[kind],
      coming: cache.looking,
      call,
      prefetch(slots, asked) {
        const wants = (key: string) => !asked.has(key) && (cache.isDue(key, PREFETCH_SHARE) ?? bringsNew);
        const keys = prefetch[kind].take(slots, wants);
        const asOf = asOfNow();
        return { keys, put: (key, value) => cache.put(key, found(value), asOf) };
      },
      onBatch: (size) => observer.onBatch?.(kind, size),
    });
  }
  const loadCounts = batched<FollowCounts>('counts', counts, follow.readCounts, true);
  const loadProfile = batched<Profile>('profile', profile, profiles.readProfiles, false);
  const loadRelation = createBatchLoader<FollowRelation>({
    clock,
    maxBatchSize: Number.POSITIVE_INFINITY,
    coming: relation.looking,
    call: readRelations,
    onBatch: (size) => observer.onBatch?.('relation', size),
  });
  const from =
    <V>(load: BatchLoad<V>, key: string): Load<V> =>
    async (waiter) =>
      found(await load(key, waiter));

  /** The upstream takes one point of view a call (CONTRACT 4.4). */
  async function readRelations(keys: readonly string[], all: Waiter): Promise<Batch<FollowRelation>> {
    const byViewer = Map.groupBy(keys, (key) => usersOfRelation(key)[0]);
    const answers = Array.from(byViewer, async ([viewer, own]) => {
      const relations = await follow.readRelations(
        viewer,
        own.map((key) => usersOfRelation(key)[1]),
        all,
      );
      return Array.from(relations, ([to, outcome]) => [relationKey(viewer, to), outcome] as const);
    });
    return new Map((await Promise.all(answers)).flat());
  }

  /** How many members the list had at most one fresh time before a page of it was read; null: that is not known. */
  function countBefore({ userId, list }: PageQuery): number | null {
    const known = counts.peek(userId);
    return known?.value && clock.now() - known.readAt <= lifetimes.counts.freshMs ? known.value[list] : null;
  }

  /** A page whose owner's counter has not changed is taken to be as it was. */
  async function validatePage(key: string, { value: page }: Entry<CachedPage>, all: Waiter): Promise<number | null> {
    if (page?.count == null) return null;
    const [userId, list] = ownerOfPage(key);
    const read = await counts.readFresh(userId, all, from(loadCounts, userId)).catch(() => null);
    return read?.value?.[list] === page.count ? read.readAt : null;
  }

  const loadPage =
    (query: PageQuery): Load<CachedPage> =>
    async (waiter) => {
      const [asOf, editionBefore, before] = [asOfNow(), edition, countBefore(query)];
      const { entries, next } = await follow.readPage(query, waiter);
      const parts = entries.map(({ user }) => user.profile?.whole && profile.put(user.id, found(user.profile), asOf));
      const isPartial = entries.some(({ user }) => user.profile?.whole === false);
      const value: CachedPage = {
        ids: entries.map(({ user }) => user.id),
        times: entries.map(({ followedAt }) => followedAt),
        next,
        count: query.start === '' && next === '' ? entries.length : before,
        partial: isPartial ? entries.map(({ user }) => user.profile) : null,
      };
      // Where memory is short its reader has the profiles all the same.
      views.set(value, { page: view(value, (n) => entries[n]?.user.profile ?? null), edition: editionBefore });
      return { value, parts: Promise.all(parts) };
    };

  function view({ ids, times, next, partial }: CachedPage, embedded?: (n: number) => Profile | null): FollowPage {
    const entries = ids.map((id, n) => {
      const known = partial?.[n] ?? profile.peek(id)?.value ?? embedded?.(n) ?? null;
      return { user: { id, profile: known }, followedAt: times[n] as number };
    });
    return { entries, next };
  }

  /** The page with its members' profiles as far as memory has them: the same object until a profile changes. */
  function show(cached: CachedPage, { onRead }: CallOptions): FollowPage {
    onRead?.({ group: PROFILES, generation: generations.now(), freshUntil: Number.POSITIVE_INFINITY });
    const known = views.get(cached);
    if (known?.edition === edition) return known.page;
    const page = view(cached);
    views.set(cached, { page, edition });
    return page;
  }

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
      if (isPublished) pending.delete(name);
      else if (pending.size < MAX_PENDING) pending.set(name, event);
    });
  }

  return {
    readPage(query, call) {
      // The counts of a user whose list is looked at are asked for next: they may come along for nothing.
      prefetch.counts.note(query.userId);
      const cached = page.read(pageKey(query), call, loadPage(query));
      return cached instanceof Promise ? cached.then((arrived) => show(arrived, call)) : show(cached, call);
    },
    readCounts(userId, call) {
      prefetch.counts.note(userId);
      return counts.read(userId, call, from(loadCounts, userId));
    },
    readProfile(userId, call) {
      prefetch.profile.note(userId);
      const cached = profile.read(userId, call, from(loadProfile, userId));
      return cached instanceof Promise ? cached.then(profiles.asAsked) : profiles.asAsked(cached);
    },
    readRelation(viewer, to, call) {
      const key = relationKey(viewer, to);
      return relation.read(key, call, from(loadRelation, key));
    },
    refusedTags: profiles.refusedTags,
    isKnownMissing(userId, call) {
      // Both, since both may come to say so.
      const [hasNoProfile, hasNoCounts] = [profile.isAbsent(userId, call), counts.isAbsent(userId, call)];
      return hasNoProfile || hasNoCounts;
    },
    invalidate,
    setRelation(viewer, to, value) {
      relation.put(relationKey(viewer, to), { value }, asOfNow());
    },
    noteWebhook: liveness.note,
    withdrawWebhooks: liveness.withdraw,
    isCurrent: (group, generation) => !generations.changedSince(group, generation),
    ready: () => hearing.promise,
    bytes: () => ({ page: page.bytes(), counts: counts.bytes(), profile: profile.bytes(), relation: relation.bytes() }),
  };
}

/** Only profiles say which version they are. */
const found = <V>(value: V) => ({
  value,
  version: typeof value === 'object' && value !== null && 'version' in value ? (value.version as number | null) : null,
});
