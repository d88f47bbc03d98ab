// The kinds of things that are cached: how each is keyed, sized, written and invalidated.
import { createGenerations, type Generations } from '../cache/generations.ts';
import {
  createReadThrough,
  type ReadOutcome,
  type ReadThrough,
  type ReadThroughOptions,
  type Tier,
} from '../cache/read-through.ts';
import type { Lifetimes, Redis } from '../cache/tiers.ts';
import type { Clock } from '../clock.ts';
import { GatewayError, noSuchAccount } from '../errors.ts';
import * as codec from './codec.ts';
import type { FollowList, PageQuery, UserId } from './model.ts';

export const CACHE_KINDS = ['page', 'counts', 'profile', 'relation', 'block', 'blocked', 'presence'] as const;
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
export const usersOfRelation = (key: string): [from: UserId, to: UserId] => key.split(' ') as [UserId, UserId];

export function createCaches(options: CachesOptions, generations: Generations = createGenerations()) {
  const { memoryBytes, observer = {} } = options;

  function create<V>(
    kind: CacheKind,
    /** How much of the memory it has: pages and profiles are what takes room. */
    share: number,
    values: codec.Codec<V>,
    accountOf: (key: string) => string,
    more: Partial<ReadThroughOptions<V>> = {},
  ): ReadThrough<V> {
    return createReadThrough<V>({
      ...options,
      ...values,
      kind,
      generations,
      lifetimes: options.lifetimes[kind],
      maxBytes: Math.floor(memoryBytes * share),
      absence: (key) => new GatewayError('USER_NOT_FOUND', noSuchAccount(accountOf(key))),
      onRead: (outcome, tier) => observer.onRead?.(kind, outcome, tier),
      onShared: () => observer.onShared?.(kind),
      ...more,
    });
  }

  const validate = options.validatePage;
  return {
    page: create('page', 0.48, codec.page, (key) => ownerOfPage(key)[0], { groupOf: groupOfPage, validate }),
    counts: create('counts', 0.04, codec.counts, (key) => key),
    profile: create('profile', 0.4, codec.profile, (key) => key, { versionOf: ({ version }) => version }),
    relation: create('relation', 0.04, codec.relation, (key) => usersOfRelation(key)[1]),
    block: create('block', 0.02, codec.block, (key) => usersOfRelation(key)[1]),
    blocked: create('blocked', 0.01, codec.page, (key) => key),
    // Fresh for seconds, and changed by many webhooks: Redis is spared both.
    presence: create('presence', 0.01, codec.presence, (key) => key, { redis: null }),
  };
}
