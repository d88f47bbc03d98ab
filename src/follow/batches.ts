// The upstream's batch calls, one loader for each command: filled by all requests of the process.
import { type BatchLoaderOptions, createBatchLoader } from '../cache/batch-loader.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import type { Waiter } from '../cache/single-flight.ts';
import { type CacheKind, type Caches, type CachesOptions, relationKey, usersOfRelation } from './caches.ts';
import type { BlockRelation, FollowCounts, FollowRelation, Presence, Profile, UserId } from './model.ts';
import type { Batch, BlockService, FollowService, PresenceService, ProfileService } from './services.ts';

export type BatchesOptions = Pick<CachesOptions, 'clock' | 'lifetimes' | 'observer'> & {
  follow: Pick<FollowService, 'readCounts' | 'readRelations'>;
  profiles: Pick<ProfileService, 'readProfiles'>;
  blocks: Pick<BlockService, 'readBlocks'>;
  presences: PresenceService;
  caches: Caches;
};

/** Largest batches of the upstream (CONTRACT 0, fact 3). */
const MAX_BATCH: Partial<Record<CacheKind, number>> = { counts: 20, profile: 100, presence: 500 };
/** For how many fresh times after a client has asked for it a key is renewed, without webhooks and with them. */
const RENEWED = { fresh: 20, webhookFresh: 2 };

export function createBatches({ clock, lifetimes, observer, caches, ...services }: BatchesOptions) {
  const { follow, profiles, blocks, presences } = services;

  const renewMs = (kind: CacheKind) =>
    Math.max(RENEWED.fresh * lifetimes[kind].freshMs, RENEWED.webhookFresh * lifetimes[kind].webhookFreshMs);

  function reader<V>(
    kind: CacheKind,
    cache: ReadThrough<V>,
    call: BatchLoaderOptions<V>['call'],
    renewal: Pick<BatchLoaderOptions<V>, 'renewMs' | 'bringsNew'> = {},
  ) {
    const maxBatchSize = MAX_BATCH[kind] ?? Number.POSITIVE_INFINITY;
    const onBatch = (size: number) => observer?.onBatch?.(kind, size);
    const { load, note } = createBatchLoader<V>({ kind, clock, cache, onBatch, maxBatchSize, call, ...renewal });
    const read = (key: string, call: Waiter): V | Promise<V> => {
      note(key);
      return cache.read(key, call, (all) => load(key, all));
    };
    return { load, note, read };
  }

  /** The upstream takes one point of view a call (CONTRACT 4.4). */
  function pairReader<V>(
    kind: CacheKind,
    cache: ReadThrough<V>,
    readPairs: (from: UserId, to: readonly UserId[], all: Waiter) => Promise<Batch<V>>,
  ) {
    async function call(keys: readonly string[], all: Waiter): Promise<Batch<V>> {
      const answers: Batch<V> = new Map();
      const byViewer = Map.groupBy(keys.map(usersOfRelation), ([viewer]) => viewer);
      const calls = Array.from(byViewer, async ([viewer, pairs]) => {
        const others = pairs.map(([, to]) => to);
        for (const [to, outcome] of await readPairs(viewer, others, all)) answers.set(relationKey(viewer, to), outcome);
      });
      await Promise.all(calls);
      return answers;
    }
    const { read } = reader<V>(kind, cache, call);
    return (from: UserId, to: UserId, call: Waiter) => read(relationKey(from, to), call);
  }

  return {
    counts: reader<FollowCounts>('counts', caches.counts, follow.readCounts, {
      renewMs: renewMs('counts'),
      bringsNew: true,
    }),
    readProfile: reader<Profile>('profile', caches.profile, profiles.readProfiles, { renewMs: renewMs('profile') })
      .read,
    readPresence: reader<Presence>('presence', caches.presence, presences.readPresences).read,
    /** How `from` stands to `to`. */
    readRelation: pairReader<FollowRelation>('relation', caches.relation, follow.readRelations),
    /** Who blocks whom, as far as `from` may know. */
    readBlock: pairReader<BlockRelation>('block', caches.block, blocks.readBlocks),
  };
}
