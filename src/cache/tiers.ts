// What is cached of one kind of thing, in memory and in Redis: what counts as fresh, stale, or nothing.
import { isDeepStrictEqual } from 'node:util';
import type { ChangeOrder, Sequence } from './change-order.ts';
import {
  ABSENT_MS,
  createMemoryStore,
  type Entry,
  type Kept,
  type MemoryStoreOptions,
  supersedes,
} from './memory-store.ts';
import { createRedisStore, type Redis, type RedisStoreOptions } from './redis-store.ts';
import type { CallOptions } from './single-flight.ts';

/** When a read began: by our clock, in the order of this process, and in Redis (null: that is not known). */
export type AsOf = { readAt: number; sequence: Sequence; generation: string | null };

export type TiersOptions<V> = MemoryStoreOptions<V> &
  RedisStoreOptions<V> & {
    redis: Redis | null;
    order: ChangeOrder;
    /** The source's own version of a value; null when it did not say. */
    versionOf?: (value: V) => number | null;
    /** Since when webhooks report every change (epoch milliseconds); null while they do not. */
    webhooksSince?: () => number | null;
  };

/** Fresh times end up to this share earlier, so that values read together are not renewed together. */
const JITTER = 0.1;

/** `detach` is told which reads that are under way will bring outdated values. */
export function createTiers<V>(options: TiersOptions<V>, detach: (isOutOfDate: (key: string) => boolean) => void) {
  const { kind, clock, order } = options;
  const { groupOf = (key: string) => key, webhooksSince = () => null, versionOf = () => null } = options;
  const { freshMs, webhookFreshMs, staleMs } = options.lifetimes;
  const memory = createMemoryStore<V>(options);
  const redis = options.redis && createRedisStore(options.redis, options);
  /** Events from before this may have been missed. */
  let heardSince: Sequence = 0;

  const nameOf = (key: string) => `${kind}:${groupOf(key)}`;
  const isVerified = (entry: Kept<V>) => entry.verifiedSequence >= heardSince;
  const isFresh = (entry: Kept<V>) => isVerified(entry) && clock.now() < freshUntil(entry);

  /** Until when an entry answers by itself. An entry that was read before webhooks arrived may have changed unnoticed. */
  function freshUntil({ readAt, freshUntil, webhookFreshUntil }: Kept<V>): number {
    const since = webhooksSince();
    return since !== null && readAt >= since ? Math.max(freshUntil, webhookFreshUntil) : freshUntil;
  }

  /** Keeps an entry in memory, unless its group has changed since it was asked for; answers it, or what is newer. */
  function keepHere(key: string, { value, version, readAt }: Entry<V>, { sequence, generation }: AsOf): Kept<V> {
    const jitter = 1 - JITTER * Math.random();
    const freshUntil = readAt + (value === null ? Math.min(ABSENT_MS, freshMs) : freshMs * jitter);
    const webhookFreshUntil = value === null ? freshUntil : readAt + webhookFreshMs * jitter;
    const times = { readAt, freshUntil, webhookFreshUntil, retryAt: 0 };
    const sequences = { verifiedSequence: sequence, lookedUpSequence: sequence };
    const next: Kept<V> = { value, version, generation, ...sequences, failure: null, ...times };
    const known = memory.peek(key);
    if (order.changedSince(nameOf(key), sequence)) return known && !supersedes(next, known) ? known : next;
    const kept = memory.set(key, next);
    if (known && kept !== known && !isDeepStrictEqual(kept.value, known.value)) {
      // What shows it elsewhere may have it of any age. For reads under way it is a change where what was known still counts.
      order.advance(kind);
      if (isFresh(known)) order.advance(nameOf(key));
    }
    return kept;
  }

  /** Invalidates a group in this process alone: another replica has done the rest. */
  function drop(group: string): void {
    detach((key) => groupOf(key) === group);
    memory.deleteGroup(group);
    order.advance(`${kind}:${group}`);
    order.advance(kind);
  }

  return {
    ...memory,
    nameOf,
    /** False for an entry that an event may have changed unheard. */
    isVerified,
    /** False for an entry of which Redis may know better. */
    isLookedUp: (entry: Kept<V>) => entry.lookedUpSequence >= heardSince,
    freshUntil,
    isFresh,
    /**
     * Until when an HTTP cache may keep it, which hears of no changes: for `freshMs` from now where webhooks let it be fresh
     * for longer.
     */
    httpFreshUntil: (entry: Kept<V>) => Math.min(freshUntil(entry), Math.max(entry.freshUntil, clock.now() + freshMs)),
    /** Whether it may answer while the source is asked, or fails. */
    canServeStale: ({ value, readAt }: Kept<V>) => value !== null && clock.now() < readAt + staleMs,

    /** Keeps what the source brought in both tiers; null: there is no such thing. */
    keep(key: string, value: V | null, asOf: AsOf): Kept<V> {
      const isOutdated = order.changedSince(nameOf(key), asOf.sequence);
      const version = value === null ? null : versionOf(value);
      const kept = keepHere(key, { value, version, readAt: asOf.readAt }, asOf);
      if (!isOutdated && kept.readAt === asOf.readAt) void redis?.write(key, asOf.generation, kept);
      return kept;
    },

    /** What Redis has, reconciled with memory by the generation that counts; undefined when Redis cannot say. */
    async lookUp(key: string, spans?: CallOptions['spans']) {
      const sequence = order.now();
      const found = await redis?.read(key, spans);
      const known = memory.peek(key);
      if (known) known.lookedUpSequence = Math.max(known.lookedUpSequence, sequence);
      if (!found) return undefined;
      const asOf = { readAt: clock.now(), sequence, generation: found.generation };
      // A Redis that has lost everything, and so has neither, says nothing of what was before.
      if (known && (found.generation !== '' || found.entry)) {
        if (known.generation === found.generation) known.verifiedSequence = Math.max(known.verifiedSequence, sequence);
        else if (known.generation !== null) {
          memory.delete(key);
          order.advance(kind);
        }
      }
      return { asOf, entry: found.entry ? keepHere(key, found.entry, asOf) : memory.peek(key) };
    },

    /** Keeps in memory what is so by now. Redis, which was told of the change, takes it from the next read. */
    setInMemory(key: string, value: V): void {
      const asOf = { readAt: clock.now(), sequence: order.now(), generation: null };
      keepHere(key, { value, version: null, readAt: asOf.readAt }, asOf);
    },
    drop,
    /** Invalidates a group here at once, and for all replicas; resolves with whether Redis has confirmed that. */
    async invalidate(group: string): Promise<boolean> {
      drop(group);
      const isConfirmed = (await redis?.invalidate(group)) ?? true;
      // A look that Redis answered before may have arrived in between.
      drop(group);
      return isConfirmed;
    },
    /** Has everything in this process verified, or with `isLost` dropped; until then it counts as stale. */
    expireAll(isLost: boolean): void {
      if (isLost) memory.clear();
      detach(() => true);
      order.advanceAll();
      heardSince = order.now();
    },
  };
}
