// A cached follow service in front of an upstream of the test's own.
import type { Lifetimes, Redis } from '../../src/cache/redis-store.ts';
import type { Clock } from '../../src/clock.ts';
import { createCachedFollowService } from '../../src/follow/cached-follow-service.ts';
import { CACHE_KINDS, type CacheKind } from '../../src/follow/caches.ts';
import type { Profile } from '../../src/follow/model.ts';
import type { CallOptions, FollowService, ProfileService } from '../../src/follow/services.ts';
import { parseProfile } from '../../src/tencent/profile.ts';

export type Source = Partial<FollowService & ProfileService>;

type Options = { clock: Clock; lifetimes: Lifetimes; memoryBytes?: number; redis?: Redis | null };

const unused = () => Promise.reject(new Error('This test is not about this.'));

/** The same lifetimes for every kind; what the source does not have is never asked. */
export function createService(source: Source, { lifetimes, memoryBytes = 1e8, redis = null, clock }: Options) {
  return createCachedFollowService({
    follow: {
      ...{ readPage: unused, readCounts: unused, readRelations: unused },
      ...{ follow: unused, unfollow: unused, removeFans: unused },
      ...source,
    },
    profiles: { readProfiles: unused, refusedTags: () => [], asAsked: (profile) => profile, ...source },
    blocks: { readBlocks: unused, readBlocked: unused },
    ...{ readPresences: unused, searchUsers: unused },
    lifetimes: Object.fromEntries(CACHE_KINDS.map((kind) => [kind, lifetimes])) as Record<CacheKind, Lifetimes>,
    ...{ clock, memoryBytes, redis },
  });
}

/** A call that has a minute. */
export const callAt = (clock: Clock): CallOptions => ({
  signal: new AbortController().signal,
  deadlineAt: clock.now() + 60_000,
});

/** A profile of which a nick alone is set. */
export const named = (nick: string, version: number | null = null): Profile =>
  parseProfile([{ Tag: 'Tag_Profile_IM_Nick', Value: nick }], version);
