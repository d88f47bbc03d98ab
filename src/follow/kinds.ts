// The four kinds of things that are remembered: how each is keyed, sized, written and forgotten.
import {
  createReadThrough,
  type Lifetimes,
  type ReadOutcome,
  type ReadThrough,
  type Tier,
} from '../cache/read-through.ts';
import type { RedisLink } from '../cache/redis-link.ts';
import { createRedisTier } from '../cache/redis-tier.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import * as codec from './codec.ts';
import type { FollowCounts, FollowList, FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';

export type Kind = 'page' | 'counts' | 'profile' | 'relation';

export type Memories = {
  page: ReadThrough<FollowPage>;
  counts: ReadThrough<FollowCounts>;
  profile: ReadThrough<Profile>;
  relation: ReadThrough<FollowRelation>;
};

/** What an observer of the memory is told; for metrics. */
export type MemoryObserver = {
  onRead?(kind: Kind, outcome: ReadOutcome, tier: Tier): void;
  /** A read joined one that was under way. */
  onShared?(kind: Kind): void;
  onBatch?(kind: Kind, size: number): void;
};

export type MemoriesOptions = {
  clock: Clock;
  lifetimes: Record<Kind, Lifetimes>;
  /** Bound of the whole memory tier, in bytes. */
  memoryBytes: number;
  /** `prefix` names the format and the app; `replica` this process. */
  redis: { link: RedisLink; prefix: string; replica: string } | null;
  /** Since when the upstream tells of changes (epoch milliseconds); null while it does not. */
  toldSince?: () => number | null;
  /** How long after a change the upstream may still show what was before, in milliseconds. */
  settleMs?: number;
  observer?: MemoryObserver;
  random?: () => number;
};

/** How the memory is divided: pages and profiles are what takes room. */
const SHARES: Record<Kind, number> = { page: 0.5, profile: 0.4, counts: 0.05, relation: 0.05 };

/** A stale value may stand in while it is the upstream that fails; a client's own mistake has no stand-in. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  'THROTTLED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_MISCONFIGURED',
  'FEATURE_NOT_ENABLED',
]);

// User ids have no colon and no space (contract 1.8); the upstream's cursor may have anything, so it comes last.
export const pageGroup = (userId: UserId, list: FollowList): string => `${userId}:${list}`;
export const pageKey = ({ userId, list, start, size }: PageQuery): string =>
  `${pageGroup(userId, list)}:${size}:${start}`;
export const groupOfPage = (key: string) => key.slice(0, key.indexOf(':', key.indexOf(':') + 1));
/** `from` is the point of view, so the order matters. */
export const relationKey = (from: UserId, to: UserId): string => `${from} ${to}`;
export const usersOfRelation = (key: string): [from: UserId, to: UserId] => key.split(' ') as [UserId, UserId];

export function createMemories(options: MemoriesOptions): Memories {
  const { clock, lifetimes, memoryBytes, redis, toldSince, settleMs, observer = {}, random } = options;

  function remember<V>(
    kind: Kind,
    { encode, decode, sizeOf }: codec.Codec<V>,
    nameOf: (key: string) => string,
    groupOf?: (key: string) => string,
  ): ReadThrough<V> {
    const { usableMs, toldMs, absentMs } = lifetimes[kind];
    return createReadThrough<V>({
      clock,
      lifetimes: lifetimes[kind],
      maxBytes: Math.floor(memoryBytes * SHARES[kind]),
      sizeOf,
      groupOf,
      redis:
        redis &&
        createRedisTier<V>({
          link: redis.link,
          clock,
          prefix: `${redis.prefix}:${kind}`,
          replica: redis.replica,
          groupOf: groupOf ?? ((key) => key),
          usableMs: Math.max(usableMs, toldMs),
          absentMs,
          encode,
          decode,
        }),
      absence: (key) => new GatewayError('USER_NOT_FOUND', `There is no account "${nameOf(key)}".`),
      isAbsence: (error) => error instanceof GatewayError && error.code === 'USER_NOT_FOUND',
      outageCode: (error) => (error instanceof GatewayError && OUTAGES.has(error.code) ? error.code : null),
      onRead: (outcome, tier) => observer.onRead?.(kind, outcome, tier),
      onShared: () => observer.onShared?.(kind),
      toldSince,
      settleMs,
      random,
    });
  }

  return {
    page: remember('page', codec.page, (key) => key.slice(0, key.indexOf(':')), groupOfPage),
    counts: remember('counts', codec.counts, (key) => key),
    profile: remember('profile', codec.profile, (key) => key),
    relation: remember('relation', codec.relation, (key) => usersOfRelation(key)[1]),
  };
}
