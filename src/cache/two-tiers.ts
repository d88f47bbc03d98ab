// Remembers one kind of thing in memory and in Redis, and forgets it in both so that nothing brings it back.
import type { Clock } from '../clock.ts';
import type { Entry } from './entry.ts';
import { createForgets, type Tick } from './forgets.ts';
import { createMemoryTier, type Kept, type MemoryTierOptions } from './memory-tier.ts';
import type { RedisTier } from './redis-tier.ts';

export type Lifetimes = {
  /** How long a value answers by itself, in milliseconds; 0 asks the source every time. */
  freshMs: number;
  /** How long it may be used while the source is asked, or cannot answer. At least `freshMs`. */
  usableMs: number;
  /** How long "there is no such thing" is believed. */
  absentMs: number;
};

export type TwoTiersOptions<V> = MemoryTierOptions<V> & {
  clock: Clock;
  lifetimes: Lifetimes;
  redis: RedisTier<V> | null;
  /** From 0 to 1, for jitter. */
  random?: () => number;
  /** Told when reads of such keys that are under way will bring what is out of date. */
  onForget(isForgotten: (key: string) => boolean): void;
};

/** Fresh times end up to so much earlier, so that what was read together is not renewed together. */
const JITTER = 0.1;

export type TwoTiers<V> = ReturnType<typeof createTwoTiers<V>>;

export function createTwoTiers<V>(options: TwoTiersOptions<V>) {
  const { clock, lifetimes, redis, random = Math.random, onForget } = options;
  const { groupOf = (key: string) => key } = options;
  const { freshMs, usableMs, absentMs } = lifetimes;
  const memory = createMemoryTier<V>(options);
  const forgets = createForgets();
  /** What was read before this may be wrong, since another replica's forget may have been missed. */
  let trustedSince: Tick = 0;

  /** Keeps an entry that was read since `tick` in memory, unless it has become outdated meanwhile. */
  function keepHere(key: string, entry: Entry<V>, tick: Tick): Kept<V> {
    const freshFor = entry.value === null ? absentMs : freshMs * (1 - JITTER * random());
    const usableFor = entry.value === null ? absentMs : usableMs;
    const kept: Kept<V> = {
      ...entry,
      freshUntil: entry.readAt + freshFor,
      usableUntil: entry.readAt + usableFor,
      tick,
      failure: null,
      retryAt: 0,
    };
    return forgets.outdates(groupOf(key), tick) ? kept : memory.set(key, kept);
  }

  function forgetHere(group: string): void {
    forgets.note(group);
    onForget((key) => groupOf(key) === group);
    memory.deleteGroup(group);
  }

  const isTrusted = (entry: Kept<V>) => entry.tick >= trustedSince;

  return {
    get: memory.get,
    peek: memory.peek,
    bytes: memory.bytes,
    tick: forgets.tick,
    isTrusted,
    /** Whether it answers by itself. */
    isFresh: (entry: Kept<V>) => clock.now() < entry.freshUntil && isTrusted(entry),
    /** Whether it may stand in where the source fails. */
    isUsable: (entry: Kept<V>) => entry.value !== null && clock.now() < entry.usableUntil,
    keepHere,

    async lookUp(key: string): Promise<Kept<V> | undefined> {
      const tick = forgets.tick();
      const entry = await redis?.get(key);
      return entry && keepHere(key, entry, tick);
    },

    /** Keeps, in both tiers, what the source brought to a read that began at `tick`. */
    keep(key: string, entry: Entry<V>, tick: Tick): Kept<V> {
      const kept = keepHere(key, entry, tick);
      // Redis knows of most forgets by itself, but not of those from before it was restarted.
      const isWorthSharing = kept.readAt === entry.readAt && !forgets.outdates(groupOf(key), tick);
      if (isWorthSharing) void redis?.set(key, { ...entry, version: kept.version });
      else redis?.release(key, entry.ticket);
      return kept;
    },

    /** Forgets a group here at once, and for all replicas; resolves with whether Redis has confirmed that. */
    async forget(group: string): Promise<boolean> {
      forgetHere(group);
      const isConfirmed = (await redis?.forget(group)) ?? true;
      // A lookup that Redis answered before it forgot may have landed in between.
      forgetHere(group);
      return isConfirmed;
    },

    /** Forgets a group in this process alone: another replica has done the rest. */
    forgetHere,

    /** Forgets everything in this process. */
    clear(): void {
      forgets.noteEverything();
      onForget(() => true);
      memory.clear();
    },

    /** Has everything in this process read anew; until then it only stands in where the source fails. */
    distrust(): void {
      trustedSince = forgets.next();
      onForget(() => true);
    },
  };
}
