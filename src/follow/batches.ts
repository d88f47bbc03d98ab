// The upstream's batch calls, one loader for each command: filled by all requests of the process.
import { createBatchLoader } from '../cache/batch-loader.ts';
import type { Lifetimes } from '../cache/read-through.ts';
import type { Waiter } from '../cache/single-flight.ts';
import { type CacheKind, type Caches, type CachesOptions, relationKey, usersOfRelation } from './caches.ts';
import type { FollowCounts, FollowRelation, Profile } from './model.ts';
import type { Batch, FollowService, ProfileService } from './services.ts';

export type BatchesOptions = Pick<CachesOptions, 'clock' | 'lifetimes' | 'observer'> & {
  follow: Pick<FollowService, 'readCounts' | 'readRelations'>;
  profiles: Pick<ProfileService, 'readProfiles'>;
  caches: Caches;
};

/** Largest batches of the upstream (CONTRACT 0, fact 3). */
const MAX_BATCH = { counts: 20, profile: 100 };
/** For how many fresh times after a client has asked for it a key is renewed, without webhooks and with them. */
const RENEWED = { fresh: 20, webhookFresh: 2 };

const renewMs = ({ freshMs, webhookFreshMs }: Lifetimes) =>
  Math.max(RENEWED.fresh * freshMs, RENEWED.webhookFresh * webhookFreshMs);

export function createBatches({ clock, lifetimes, observer, follow, profiles, caches }: BatchesOptions) {
  const told = (kind: CacheKind) => (size: number) => observer?.onBatch?.(kind, size);

  /** The upstream takes one point of view a call (CONTRACT 4.4). */
  async function readRelations(keys: readonly string[], all: Waiter): Promise<Batch<FollowRelation>> {
    const answers: Batch<FollowRelation> = new Map();
    const byViewer = Map.groupBy(keys.map(usersOfRelation), ([viewer]) => viewer);
    const calls = Array.from(byViewer, async ([viewer, pairs]) => {
      const others = pairs.map(([, to]) => to);
      for (const [to, outcome] of await follow.readRelations(viewer, others, all))
        answers.set(relationKey(viewer, to), outcome);
    });
    await Promise.all(calls);
    return answers;
  }

  return {
    counts: createBatchLoader<FollowCounts>({
      clock,
      cache: caches.counts,
      maxBatchSize: MAX_BATCH.counts,
      call: follow.readCounts,
      renewMs: renewMs(lifetimes.counts),
      bringsNew: true,
      onBatch: told('counts'),
    }),
    profile: createBatchLoader<Profile>({
      clock,
      cache: caches.profile,
      maxBatchSize: MAX_BATCH.profile,
      call: profiles.readProfiles,
      renewMs: renewMs(lifetimes.profile),
      onBatch: told('profile'),
    }),
    relation: createBatchLoader<FollowRelation>({
      clock,
      cache: caches.relation,
      maxBatchSize: Number.POSITIVE_INFINITY,
      call: readRelations,
      onBatch: told('relation'),
    }),
  };
}
