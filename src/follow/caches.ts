// The kinds of things that are cached: how each is keyed, sized, written and invalidated, and how it is loaded in batches.
import { hash } from 'node:crypto';
import { type BatchLoaderOptions, createBatchLoader } from '../cache/batch-loader.ts';
import { type ChangeOrder, createChangeOrder } from '../cache/change-order.ts';
import {
  createReadThrough,
  type ReadOutcome,
  type ReadThrough,
  type ReadThroughOptions,
  type Tier,
} from '../cache/read-through.ts';
import type { Lifetimes, Redis } from '../cache/redis-store.ts';
import type { CallOptions } from '../cache/single-flight.ts';
import type { Clock } from '../clock.ts';
import { GatewayError, noSuchAccount } from '../errors.ts';
import * as codec from './codec.ts';
import { type FollowList, type FollowPage, type PageQuery, PER_CALL, type Presence, type UserId } from './model.ts';
import type { Batch, BlockService, FollowService, ProfileService } from './services.ts';

export const CACHE_KINDS = ['page', 'counts', 'profile', 'relation', 'block', 'blocked', 'presence', 'search'] as const;
export type CacheKind = (typeof CACHE_KINDS)[number];

export type Caches = ReturnType<typeof createCaches>;

/** What an observer of the caches is told; for metrics. */
export type CacheObserver = {
  onRead?(kind: CacheKind, outcome: ReadOutcome, tier: Tier): void;
  /** A read joined one that was under way. */
  onShared?(kind: CacheKind): void;
  onBatch?(kind: CacheKind, size: number): void;
};

export type CachesOptions = {
  clock: Clock;
  lifetimes: Record<CacheKind, Lifetimes>;
  /** Bound of the whole memory tier, in bytes. */
  memoryBytes: number;
  redis: Redis | null;
  /** Since when the upstream tells of changes (epoch milliseconds); null while it does not. */
  webhooksSince?: () => number | null;
  validatePage?: ReadThroughOptions<codec.CachedPage>['validate'];
  observer?: CacheObserver;
};

// User ids have no colon and no space (CONTRACT 1.8); the upstream's cursor may have anything, so it comes last.
export const pageGroup = (userId: UserId, list: FollowList): string => `${userId}:${list}`;
export const pageKey = ({ userId, list, start, size }: PageQuery): string =>
  `${pageGroup(userId, list)}:${size}:${start}`;
export const ownerOfPage = (key: string): [UserId, FollowList] => key.split(':', 2) as [UserId, FollowList];
export const groupOfPage = (key: string): string => pageGroup(...ownerOfPage(key));
/** `from` is the point of view, so the order matters. */
export const relationKey = (from: UserId, to: UserId): string => `${from} ${to}`;
const usersOfRelation = (key: string): [from: UserId, to: UserId] => key.split(' ') as [UserId, UserId];
/** A store shows its keys, and search words are private. */
export const searchKey = (words: readonly string[], start: string): string =>
  hash('sha256', JSON.stringify([words, start]), 'base64url');
/** The owner of a page, the second one of a relation, or the one user of any other key. */
const accountOf = (key: string): UserId => ownerOfPage(key)[0].split(' ').at(-1) as UserId;

export function createCaches(options: CachesOptions, order: ChangeOrder = createChangeOrder()) {
  const { memoryBytes, observer = {} } = options;

  function create<V>(
    kind: CacheKind,
    /** How much of the memory it has: pages and profiles are what takes room. */
    share: number,
    values: codec.Codec<V>,
    more: Partial<ReadThroughOptions<V>> = {},
  ): ReadThrough<V> {
    return createReadThrough<V>({
      ...options,
      ...values,
      kind,
      order,
      lifetimes: options.lifetimes[kind],
      maxBytes: Math.floor(memoryBytes * share),
      absence: (key) => new GatewayError('USER_NOT_FOUND', noSuchAccount(accountOf(key))),
      onRead: (outcome, tier) => observer.onRead?.(kind, outcome, tier),
      onShared: () => observer.onShared?.(kind),
      ...more,
    });
  }

  return {
    page: create('page', 0.47, codec.page, { groupOf: groupOfPage, validate: options.validatePage }),
    counts: create('counts', 0.04, codec.counts),
    profile: create('profile', 0.39, codec.profile, { versionOf: ({ version }) => version }),
    relation: create('relation', 0.04, codec.relation),
    block: create('block', 0.02, codec.block),
    blocked: create('blocked', 0.01, codec.page),
    search: create('search', 0.02, codec.page, { absence: undefined }),
    // Fresh for seconds, and changed by many webhooks: Redis is spared both.
    presence: create('presence', 0.01, codec.presence, { redis: null }),
  };
}

/** The upstream, as far as it is cached. */
export type Sources = {
  follow: Pick<FollowService, 'readPage' | 'readCounts' | 'readRelations'>;
  profiles: ProfileService;
  blocks: Pick<BlockService, 'readBlocks' | 'readBlocked'>;
  readPresences(userIds: readonly UserId[], call: CallOptions): Promise<Batch<Presence>>;
  /** The users who have all the words, as a list whose members have no times. */
  searchUsers(words: readonly string[], start: string, call: CallOptions): Promise<FollowPage>;
};

/** For how many fresh times after a client has asked for it a key is renewed, without webhooks and with them. */
const RENEWED = { fresh: 20, webhookFresh: 2 };

export function createBatches(options: CachesOptions & Sources, caches: Caches) {
  const { clock, lifetimes, observer, follow, profiles, blocks, readPresences } = options;

  const renewMs = (kind: CacheKind) =>
    Math.max(RENEWED.fresh * lifetimes[kind].freshMs, RENEWED.webhookFresh * lifetimes[kind].webhookFreshMs);

  function reader<V>(
    kind: CacheKind,
    cache: ReadThrough<V>,
    call: BatchLoaderOptions<NoInfer<V>>['call'],
    maxBatchSize: number,
    more: Pick<BatchLoaderOptions<V>, 'renewMs' | 'bringsNew' | 'partOf'> = {},
  ) {
    const onBatch = (size: number) => observer?.onBatch?.(kind, size);
    const { load, note } = createBatchLoader<V>({ kind, clock, cache, onBatch, maxBatchSize, call, ...more });
    const read = (key: string, call: CallOptions): V | Promise<V> => {
      note(key);
      return cache.read(key, call, (all) => load(key, all));
    };
    return { load, note, read };
  }

  /** The upstream takes one point of view a call (CONTRACT 4.4). */
  function pairReader<V>(
    kind: CacheKind,
    cache: ReadThrough<V>,
    readPairs: (from: UserId, to: readonly UserId[], all: CallOptions) => Promise<Batch<NoInfer<V>>>,
  ) {
    async function call(keys: readonly string[], all: CallOptions): Promise<Batch<V>> {
      const pairs = keys.map(usersOfRelation);
      const [[viewer]] = pairs as [(typeof pairs)[number]];
      const others = pairs.map(([, to]) => to);
      const answers = await readPairs(viewer, others, all);
      return new Map(Array.from(answers, ([to, outcome]) => [relationKey(viewer, to), outcome]));
    }
    const partOf = (key: string) => usersOfRelation(key)[0];
    const { read } = reader(kind, cache, call, Number.POSITIVE_INFINITY, { partOf });
    return (from: UserId, to: UserId, call: CallOptions) => read(relationKey(from, to), call);
  }

  return {
    counts: reader('counts', caches.counts, follow.readCounts, PER_CALL.counts, {
      renewMs: renewMs('counts'),
      bringsNew: true,
    }),
    readProfile: reader('profile', caches.profile, profiles.readProfiles, PER_CALL.profiles, {
      renewMs: renewMs('profile'),
    }).read,
    readPresence: reader('presence', caches.presence, readPresences, PER_CALL.presences).read,
    /** How `from` stands to `to`. */
    readRelation: pairReader('relation', caches.relation, follow.readRelations),
    /** Who blocks whom, as far as `from` may know. */
    readBlock: pairReader('block', caches.block, blocks.readBlocks),
  };
}
