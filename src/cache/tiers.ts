// What is cached of one kind of thing, in memory and in Redis: what counts as fresh, stale, or nothing.
import type { Clock } from '../clock.ts';
import type { Generation, Generations } from './generations.ts';
import { createMemoryStore, type Entry, type Kept, type MemoryStoreOptions } from './memory-store.ts';
import type { RedisStore } from './redis-store.ts';

export type Lifetimes = {
  /** How long a value answers by itself, in milliseconds; 0 asks the source every time. */
  freshMs: number;
  /** The same while webhooks report every change. At least `freshMs`. */
  webhookFreshMs: number;
  /** How long it may be used while the source is asked, or cannot answer. At least `freshMs`. */
  staleMs: number;
  /** How long "there is no such thing" is believed. */
  absentMs: number;
  /** For how long after it was read a value may be found unchanged by something cheaper; left out: never. */
  validatedMs?: number;
};

/** When a read began: by our clock, in the order of this process, and in Redis (null: that is not known). */
export type AsOf = { readAt: number; generation: Generation; shared?: string | null };

/** What the source brought; `parts` are written to Redis before it is. */
export type Found<V> = { value: V; version?: number | null; parts?: Promise<unknown> };

export type TiersOptions<V> = MemoryStoreOptions<V> & {
  /** Names the groups of this cache among those of others. */
  kind: string;
  clock: Clock;
  lifetimes: Lifetimes;
  redis: RedisStore<V> | null;
  generations: Generations;
  /** Since when webhooks report every change (epoch milliseconds); null while they do not. */
  webhooksSince?: () => number | null;
  /** How long after a change the source may still show what was before, in milliseconds. */
  settleMs?: number;
  /** From 0 to 1, for jitter. */
  random?: () => number;
  /** Called when memory no longer says what it said. */
  onChange?: () => void;
};

/** Fresh times end up to this share earlier, so that what was read together is not renewed together. */
const JITTER = 0.1;

/** `detach` is told which reads that are under way will bring what is out of date. */
export function createTiers<V>(options: TiersOptions<V>, detach: (isOutOfDate: (key: string) => boolean) => void) {
  const { kind, clock, redis, generations, onChange = () => {} } = options;
  const { groupOf = (key: string) => key, webhooksSince = () => null, settleMs = 0, random = Math.random } = options;
  const { freshMs, webhookFreshMs, staleMs, absentMs } = options.lifetimes;
  const memory = createMemoryStore<V>(options);
  /** Events from before this may have been missed. */
  let heardSince: Generation = 0;

  const nameOf = (key: string) => `${kind}:${groupOf(key)}`;
  const isHeard = (entry: Kept<V>) => entry.verifiedAt >= heardSince;

  /** Until when an entry answers by itself. An entry that was read before webhooks arrived may have changed unnoticed. */
  function freshUntil({ readAt, freshUntil, webhookFreshUntil }: Kept<V>): number {
    if (webhookFreshUntil <= freshUntil) return freshUntil;
    const since = webhooksSince();
    return since !== null && readAt >= since ? webhookFreshUntil : freshUntil;
  }

  function advance(group: string, at?: number): void {
    generations.advance(group, at);
    onChange();
  }

  /** Keeps an entry in memory, unless its group has changed since it was asked for. */
  function keepHere(key: string, { value, version, readAt }: Entry<V>, { generation, shared = null }: AsOf): Kept<V> {
    const group = nameOf(key);
    const jitter = 1 - JITTER * random();
    const freshUntil = readAt + (value === null ? absentMs : freshMs * jitter);
    // A value read too soon after an event may lack it, and no webhook reports that event again.
    const isSettled = value !== null && readAt >= generations.eventAt(group) + settleMs;
    const webhookFreshUntil = isSettled ? readAt + webhookFreshMs * jitter : freshUntil;
    const times = { readAt, freshUntil, webhookFreshUntil, retryAt: 0 };
    const next: Kept<V> = { value, version, shared, verifiedAt: generation, failure: null, ...times };
    if (generations.changedSince(group, generation)) return next;
    const known = memory.peek(key);
    const kept = memory.set(key, next);
    // What has expired is taken for unknown, as what was never there: learning that there is nothing is a change then.
    const isChange = kept !== known && (known && isFresh(known) ? !isSame(kept.value, known.value) : value === null);
    if (isChange) advance(group);
    return kept;
  }

  const isFresh = (entry: Kept<V>) =>
    isHeard(entry) && (clock.now() < entry.freshUntil || clock.now() < freshUntil(entry));

  /** Invalidates a group in this process alone: another replica has done the rest. */
  function drop(group: string): void {
    detach((key) => groupOf(key) === group);
    memory.deleteGroup(group);
    advance(`${kind}:${group}`, clock.now());
  }

  /** Has everything in this process verified; until then it counts as stale. */
  function expireAll(): void {
    detach(() => true);
    generations.advanceAll();
    heardSince = generations.now();
    onChange();
  }

  return {
    get: memory.get,
    peek: memory.peek,
    bytes: memory.bytes,
    nameOf,
    /** False for what an event may have changed unheard. */
    isHeard,
    freshUntil,
    isFresh,
    /** Until when it is fresh to an HTTP cache, which hears of no changes. While webhooks arrive, it is right now. */
    httpFreshUntil: (entry: Kept<V>) => Math.min(freshUntil(entry), Math.max(entry.freshUntil, clock.now() + freshMs)),
    /** Whether it may answer while the source is asked, or fails. */
    canServeStale: ({ value, readAt }: Kept<V>) => value !== null && clock.now() < readAt + staleMs,

    /** Keeps what the source brought in both tiers: in Redis behind `parts`. */
    keep(key: string, entry: Entry<V>, asOf: AsOf, parts?: Promise<unknown>) {
      const isOutdated = generations.changedSince(nameOf(key), asOf.generation);
      const kept = keepHere(key, entry, asOf);
      // A group that is not known to have a generation may be one that did not change lately.
      const shared = asOf.shared ?? '';
      const isKept = !isOutdated && kept.readAt === entry.readAt;
      if (!isKept) redis?.unlock(key, shared);
      const written = isKept && redis && Promise.resolve(parts).then(() => redis.write(key, shared, kept));
      return { kept, written: written || undefined };
    },

    /** What Redis has, reconciled with memory by the generation that counts; undefined when Redis cannot say. */
    async lookUp(key: string, newerThan: number) {
      const generation = generations.now();
      const found = await redis?.read(key, newerThan);
      if (!found) return undefined;
      const asOf: AsOf = { readAt: clock.now(), generation, shared: found.generation };
      const known = memory.peek(key);
      if (known && known.shared !== null) {
        if (known.shared === found.generation) known.verifiedAt = Math.max(known.verifiedAt, generation);
        // A Redis that has lost everything says nothing of what was before.
        else if (found.generation !== '') memory.delete(key);
      }
      const entry = found.entry ? keepHere(key, found.entry, asOf) : memory.peek(key);
      const isNewer = found.entry !== undefined && found.entry.readAt > newerThan;
      return { entry, asOf, isGranted: found.isGranted, newestAt: isNewer ? found.entry?.readAt : undefined };
    },

    drop,
    /** Invalidates a group here at once, and for all replicas; resolves with whether Redis has confirmed that. */
    async invalidate(group: string): Promise<boolean> {
      drop(group);
      const isConfirmed = (await redis?.invalidate(group)) ?? true;
      // A look that Redis answered before may have landed in between.
      drop(group);
      return isConfirmed;
    },
    /** Drops everything in this process. */
    clear(): void {
      memory.clear();
      expireAll();
    },
    expireAll,
  };
}

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
