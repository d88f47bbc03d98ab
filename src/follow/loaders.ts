// What one answer reads, each once: a field that asks again is told the same.
import type { CachedFollowService } from './cached-follow-service.ts';
import type { FindKnownFans, KnownFans } from './known-fans.ts';
import type { FollowCounts, FollowRelation, Profile, UserId } from './model.ts';
import { RequestMemo } from './request-memo.ts';
import type { CallOptions } from './services.ts';

export type LoaderSources = Pick<CachedFollowService, 'readCounts' | 'readProfile' | 'readRelation'> & {
  findKnownFans: FindKnownFans;
};

/** Each answers at once when the answer is cached, else by a promise. */
export type Loaders = {
  counts(userId: UserId): FollowCounts | Promise<FollowCounts>;
  profile(userId: UserId): Profile | Promise<Profile>;
  /** How `from` stands to others. */
  relation(from: UserId, to: UserId): FollowRelation | Promise<FollowRelation>;
  /** Which fans of `userId` the viewer follows: found out once, however many fields ask. */
  knownFans(viewerId: UserId, userId: UserId): Promise<KnownFans>;
  /** Begins again: what was read before must not answer for what comes after. */
  renew(): void;
};

export function createLoaders(sources: LoaderSources, call: () => CallOptions): Loaders {
  const counts = new RequestMemo<FollowCounts | Promise<FollowCounts>>();
  const profile = new RequestMemo<Profile | Promise<Profile>>();
  const relation = new RequestMemo<FollowRelation | Promise<FollowRelation>>();
  const knownFans = new RequestMemo<Promise<KnownFans>>();

  return {
    counts: (userId) => counts.ask(userId, () => sources.readCounts(userId, call())),
    profile: (userId) => profile.ask(userId, () => sources.readProfile(userId, call())),
    relation: (from, to) => relation.ask(`${from} ${to}`, () => sources.readRelation(from, to, call())),
    knownFans: (viewerId, userId) =>
      knownFans.ask(`${viewerId} ${userId}`, () => sources.findKnownFans(viewerId, userId, call())),
    renew() {
      for (const memo of [counts, profile, relation, knownFans]) memo.clear();
    },
  };
}
