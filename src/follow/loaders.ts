// One batch per request and kind: every field of a query that needs counts or a profile asks here.
import DataLoader from 'dataloader';
import type { FindKnownFans, KnownFans } from './known-fans.ts';
import type { RememberedNow } from './memory.ts';
import type { FollowCounts, FollowRelation, Profile, UserId } from './model.ts';
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

/** Loaders for one answer; each is made when the first field asks, since most screens need none. */
export function createLoaders(sources: LoaderSources, call: () => CallOptions): Loaders {
  const { now } = sources;
  let counts: DataLoader<UserId, FollowCounts> | undefined;
  let profile: DataLoader<UserId, Profile> | undefined;
  let relations: Map<UserId, DataLoader<UserId, FollowRelation>> | undefined;
  let knownFans: Map<string, Promise<KnownFans>> | undefined;
  return {
    counts(userId) {
      const known = now.counts(userId, call());
      if (known) return known;
      counts ??= batched((userIds) => sources.readCounts(userIds, call()));
      return counts.load(userId);
    },
    profile(userId) {
      const known = now.profile(userId, call());
      if (known) return known;
      profile ??= batched((userIds) => sources.readProfiles(userIds, call()));
      return profile.load(userId);
    },
    relation(from, to) {
      const known = now.relation(from, to, call());
      if (known) return known;
      relations ??= new Map();
      let loader = relations.get(from);
      if (!loader) {
        loader = batched((userIds) => sources.readRelations(from, userIds, call()));
        relations.set(from, loader);
      }
      return loader.load(to);
    },
    knownFans(viewerId, userId) {
      const key = `${viewerId} ${userId}`;
      knownFans ??= new Map();
      const known = knownFans.get(key) ?? sources.findKnownFans(viewerId, userId, call());
      knownFans.set(key, known);
      return known;
    },
    renew() {
      counts = undefined;
      profile = undefined;
      relations = undefined;
      knownFans = undefined;
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
