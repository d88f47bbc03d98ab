// Remembers one kind of thing in memory and in Redis, and forgets it in both so that nothing brings it back.
import type { Clock } from '../clock.ts';
import type { Entry } from './entry.ts';
import { createForgets, type Tick } from './forgets.ts';
import { createMemoryTier, type Kept, type MemoryTierOptions } from './memory-tier.ts';
import type { RedisTier } from './redis-tier.ts';

export type Lifetimes = {
  /** How long a value answers by itself, in milliseconds; 0 asks the source every time. */
  freshMs: number;
  /** The same while the source tells of every change. At least `freshMs`. */
  toldMs: number;
  /** How long it may be used while the source is asked, or cannot answer. At least `freshMs`. */
  usableMs: number;
  /** How long "there is no such thing" is believed. */
  absentMs: number;
};

export type TwoTiersOptions<V> = MemoryTierOptions<V> & {
  clock: Clock;
  lifetimes: Lifetimes;
  redis: RedisTier<V> | null;
  /** Since when the source tells of every change (epoch milliseconds); null while it does not. */
  toldSince?: () => number | null;
  /** How long after a change the source may still show what was before, in milliseconds. */
  settleMs?: number;
  /** From 0 to 1, for jitter. */
  random?: () => number;
  /** Told when reads of such keys that are under way will bring what is out of date. */
  onForget(isForgotten: (key: string) => boolean): void;
};

/** Fresh times end up to so much earlier, so that what was read together is not renewed together. */
const JITTER = 0.1;
/** Longer than a read takes: one that began before its group had settled may still be under way. */
const LONGEST_READ_MS = 120_000;
/** So many forgotten groups are known to be settling; what is read of others lives as if they had settled. */
const MOST_SETTLING = 50_000;

export type TwoTiers<V> = ReturnType<typeof createTwoTiers<V>>;

export function createTwoTiers<V>(options: TwoTiersOptions<V>) {
  const { clock, lifetimes, redis, random = Math.random, onForget } = options;
  const { groupOf = (key: string) => key, toldSince = () => null, settleMs = 0 } = options;
  const { freshMs, toldMs, usableMs, absentMs } = lifetimes;
  const memory = createMemoryTier<V>(options);
  const forgets = createForgets();
  /** What was read before this may be wrong, since another replica's forget may have been missed. */
  let trustedSince: Tick = 0;
  /** Groups that were forgotten lately, in that order, and when; Redis says so of what others have read. */
  const settling = new Map<string, number>();

  /** What is read too soon after a change may lack it, and nothing will tell of that change again. */
  const isSettled = (group: string, { readAt, sinceForgotten = settleMs }: Entry<V>) =>
    sinceForgotten >= settleMs && readAt >= (settling.get(group) ?? Number.NEGATIVE_INFINITY) + settleMs;

  function settle(group: string): void {
    if (settleMs <= 0) return;
    settling.delete(group);
    settling.set(group, clock.now());
    for (const [oldest, at] of settling) {
      if (settling.size <= MOST_SETTLING && clock.now() - at < settleMs + LONGEST_READ_MS) break;
      settling.delete(oldest);
    }
  }

  /** Keeps an entry that was read since `tick` in memory, unless it has become outdated meanwhile. */
  function keepHere(key: string, entry: Entry<V>, tick: Tick): Kept<V> {
    const { value, version, readAt, ticket, sinceForgotten } = entry;
    const group = groupOf(key);
    const isThere = value !== null;
    const jitter = isThere ? 1 - JITTER * random() : 1;
    const freshFor = isThere ? freshMs * jitter : absentMs;
    const toldFor = isThere && isSettled(group, entry) ? toldMs * jitter : freshFor;
    // Written out, since to copy and to extend takes longer than all the rest.
    const kept: Kept<V> = {
      value,
      version,
      readAt,
      ticket,
      sinceForgotten,
      freshUntil: readAt + freshFor,
      toldUntil: readAt + toldFor,
      usableUntil: readAt + (isThere ? usableMs : absentMs),
      tick,
      failure: null,
      retryAt: 0,
    };
    return forgets.outdates(group, tick) ? kept : memory.set(key, kept);
  }

  function forgetHere(group: string): void {
    forgets.note(group);
    settle(group);
    onForget((key) => groupOf(key) === group);
    memory.deleteGroup(group);
  }

  const isTrusted = (entry: Kept<V>) => entry.tick >= trustedSince;

  /** What was read before the source began to tell may have changed unnoticed. */
  function isTold({ readAt, toldUntil, freshUntil }: Kept<V>): boolean {
    if (toldUntil <= freshUntil) return false;
    const since = toldSince();
    return since !== null && readAt >= since;
  }
  const freshUntil = (entry: Kept<V>) => (isTold(entry) ? entry.toldUntil : entry.freshUntil);

  return {
    get: memory.get,
    peek: memory.peek,
    bytes: memory.bytes,
    tick: forgets.tick,
    isTrusted,
    /** Whether it answers by itself. */
    isFresh: (entry: Kept<V>) =>
      (clock.now() < entry.freshUntil || clock.now() < freshUntil(entry)) && isTrusted(entry),
    /** How long such an entry answers by itself from its reading on, and how long it still will, in milliseconds. */
    freshFor: (entry: Kept<V>) => (isTold(entry) ? toldMs : freshMs),
    freshLeft: (entry: Kept<V>) => freshUntil(entry) - clock.now(),
    /** Until when it is as fresh to whoever is told of no changes, as an HTTP cache is: while we are, it is right now. */
    untoldUntil: (entry: Kept<V>) =>
      isTold(entry) ? Math.min(entry.toldUntil, clock.now() + freshMs) : entry.freshUntil,
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
