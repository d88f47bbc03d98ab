// One batch per request and kind: every field of a query that needs counts or a profile asks here.
import DataLoader from 'dataloader';
import type { FindKnownFans, KnownFans } from './known-fans.ts';
import type { RememberedNow } from './memory.ts';
import type { FollowCounts, FollowRelation, Profile, UserId } from './model.ts';
import { Once } from './once.ts';
import type { Batch, CallOptions, FollowService, ProfileService } from './services.ts';

export type LoaderSources = Pick<FollowService, 'readCounts' | 'readRelations'> &
  Pick<ProfileService, 'readProfiles'> & {
    /** What answers at once. */
    now: Pick<RememberedNow, 'counts' | 'profile' | 'relation'>;
    findKnownFans: FindKnownFans;
  };

/** Each answers at once when the answer is remembered, else by a promise. */
export type Loaders = {
  counts(userId: UserId): FollowCounts | Promise<FollowCounts>;
  profile(userId: UserId): Profile | Promise<Profile>;
  /** How `from` stands to others: a batch for each point of view, as the upstream wants it (contract 4.4). */
  relation(from: UserId, to: UserId): FollowRelation | Promise<FollowRelation>;
  /** Which fans of `userId` the viewer follows: found out once, however many fields ask. */
  knownFans(viewerId: UserId, userId: UserId): Promise<KnownFans>;
  /** Begins anew: what was read before must not answer for what comes after. */
  renew(): void;
};

/**
 * Loaders for one answer; each is made when the first field asks, since most screens need none. Who asks again, also in
 * an execution that begins anew because a field of the first one failed, is told the same.
 */
export function createLoaders(sources: LoaderSources, call: () => CallOptions): Loaders {
  const { now } = sources;
  const countsOnce = new Once<FollowCounts | Promise<FollowCounts>>();
  const profileOnce = new Once<Profile | Promise<Profile>>();
  const relationOnce = new Once<FollowRelation | Promise<FollowRelation>>();
  const knownFansOnce = new Once<Promise<KnownFans>>();
  let counts: DataLoader<UserId, FollowCounts> | undefined;
  let profile: DataLoader<UserId, Profile> | undefined;
  let relations: Map<UserId, DataLoader<UserId, FollowRelation>> | undefined;

  function loadCounts(userId: UserId): Promise<FollowCounts> {
    counts ??= batched((userIds) => sources.readCounts(userIds, call()));
    return counts.load(userId);
  }

  function loadProfile(userId: UserId): Promise<Profile> {
    profile ??= batched((userIds) => sources.readProfiles(userIds, call()));
    return profile.load(userId);
  }

  function loadRelation(from: UserId, to: UserId): Promise<FollowRelation> {
    relations ??= new Map();
    let loader = relations.get(from);
    if (!loader) {
      loader = batched((userIds) => sources.readRelations(from, userIds, call()));
      relations.set(from, loader);
    }
    return loader.load(to);
  }

  return {
    counts: (userId) => countsOnce.ask(userId, () => now.counts(userId, call()) ?? loadCounts(userId)),
    profile: (userId) => profileOnce.ask(userId, () => now.profile(userId, call()) ?? loadProfile(userId)),
    relation: (from, to) =>
      relationOnce.ask(`${from} ${to}`, () => now.relation(from, to, call()) ?? loadRelation(from, to)),
    knownFans: (viewerId, userId) =>
      knownFansOnce.ask(`${viewerId} ${userId}`, () => sources.findKnownFans(viewerId, userId, call())),
    renew() {
      for (const once of [countsOnce, profileOnce, relationOnce, knownFansOnce]) once.clear();
      counts = undefined;
      profile = undefined;
      relations = undefined;
    },
  };
}

/** DataLoader wants its answers in the order of its keys, with a failure in the place of what failed. */
function batched<T>(read: (userIds: readonly UserId[]) => Promise<Batch<T>>): DataLoader<UserId, T> {
  return new DataLoader<UserId, T>(async (userIds) => {
    const answers = await read(userIds);
    return userIds.map((userId) => answers.get(userId) ?? new Error(`The batch left out ${userId}.`));
  });
}
