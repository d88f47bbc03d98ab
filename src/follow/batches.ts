// The upstream's batch calls, one loader for each command: filled by all requests of the process, and in spare slots by
// what will be asked for soon.
import { type BatchLoad, createBatchLoader } from '../cache/batch-loader.ts';
import type { Generations } from '../cache/generations.ts';
import { createPrefetch } from '../cache/prefetch.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import type { Waiter } from '../cache/single-flight.ts';
import { type Caches, type CachesOptions, found, relationKey, usersOfRelation } from './caches.ts';
import type { FollowCounts, FollowRelation, Profile } from './model.ts';
import type { Batch, FollowService, ProfileService } from './services.ts';

export type BatchesOptions = Pick<CachesOptions, 'clock' | 'lifetimes' | 'observer'> & {
  follow: Pick<FollowService, 'readCounts' | 'readRelations'>;
  profiles: Pick<ProfileService, 'readProfiles'>;
  caches: Caches;
  generations: Generations;
};

/** Largest batches of the upstream (CONTRACT 0, fact 3). */
const MAX_BATCH = { counts: 20, profile: 100 } as const;
/** A cached answer takes a spare slot when less than this share of its fresh time is left, */
const PREFETCH_SHARE = 0.5;
/** as long as a client has asked for it within this number of fresh times, */
const PREFETCH_MEMORY = 20;
/** or within this number of the fresh times that hold while webhooks arrive. */
const WEBHOOK_PREFETCH_MEMORY = 2;

export function createBatches(options: BatchesOptions) {
  const { clock, lifetimes, observer, follow, profiles, caches, generations } = options;
  const keep = (kind: 'counts' | 'profile') => {
    const { freshMs, webhookFreshMs } = lifetimes[kind];
    return createPrefetch(clock, Math.max(PREFETCH_MEMORY * freshMs, WEBHOOK_PREFETCH_MEMORY * webhookFreshMs));
  };
  const prefetch = { counts: keep('counts'), profile: keep('profile') };

  function batched<V>(
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
        const asOf = { readAt: clock.now(), generation: generations.now() };
        return { keys, put: (key, value) => cache.put(key, found(value), asOf) };
      },
      onBatch: (size) => observer?.onBatch?.(kind, size),
    });
  }

  /** The upstream takes one point of view a call (CONTRACT 4.4). */
  async function readRelations(keys: readonly string[], all: Waiter): Promise<Batch<FollowRelation>> {
    const answers = Array.from(
      Map.groupBy(keys.map(usersOfRelation), ([viewer]) => viewer),
      async ([viewer, pairs]) => {
        const relations = await follow.readRelations(
          viewer,
          pairs.map(([, to]) => to),
          all,
        );
        return Array.from(relations, ([to, outcome]) => [relationKey(viewer, to), outcome] as const);
      },
    );
    return new Map((await Promise.all(answers)).flat());
  }

  return {
    loadCounts: batched<FollowCounts>('counts', caches.counts, follow.readCounts, true),
    loadProfile: batched<Profile>('profile', caches.profile, profiles.readProfiles, false),
    loadRelation: createBatchLoader<FollowRelation>({
      clock,
      maxBatchSize: Number.POSITIVE_INFINITY,
      coming: caches.relation.looking,
      call: readRelations,
      onBatch: (size) => observer?.onBatch?.('relation', size),
    }),
    /** A client asked for a key, or is likely to. */
    noteCounts: prefetch.counts.note,
    noteProfile: prefetch.profile.note,
  };
}
