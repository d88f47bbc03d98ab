// One batch per request and kind: every field of a query that needs counts or a profile asks here.
import DataLoader from 'dataloader';
import type { FollowCounts, FollowRelation, Profile, UserId } from './model.ts';
import type { Batch, CallOptions, FollowService, ProfileService } from './services.ts';

export type LoaderSources = Pick<FollowService, 'readCounts' | 'readRelations'> & Pick<ProfileService, 'readProfiles'>;

export type Loaders = {
  readonly counts: DataLoader<UserId, FollowCounts>;
  readonly profile: DataLoader<UserId, Profile>;
  /** How `from` stands to others: a batch for each point of view, as the upstream wants it (contract 4.4). */
  relation(from: UserId, to: UserId): Promise<FollowRelation>;
};

/** Loaders for one request; each is made when the first field asks, since most screens need neither. */
export function createLoaders(sources: LoaderSources, call: CallOptions): Loaders {
  let counts: Loaders['counts'] | undefined;
  let profile: Loaders['profile'] | undefined;
  const relations = new Map<UserId, DataLoader<UserId, FollowRelation>>();
  return {
    get counts() {
      counts ??= batched((userIds) => sources.readCounts(userIds, call));
      return counts;
    },
    get profile() {
      profile ??= batched((userIds) => sources.readProfiles(userIds, call));
      return profile;
    },
    relation(from, to) {
      let loader = relations.get(from);
      if (!loader) {
        loader = batched((userIds) => sources.readRelations(from, userIds, call));
        relations.set(from, loader);
      }
      return loader.load(to);
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
