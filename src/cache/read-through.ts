// Reads through two tiers of memory to a source: fresh, stale or absent, asked once however many ask.
// Knows no follow words: what a value is, and what a failure means, is told by who makes it.
import type { Clock } from '../clock.ts';
import type { Entry } from './entry.ts';
import { createMemoryTier, type Kept } from './memory-tier.ts';
import type { Lease, RedisTier } from './redis-tier.ts';
import { createSingleFlight, type Waiter } from './single-flight.ts';

/** How a read was answered, and by which tier. */
export type ReadOutcome = 'fresh' | 'stale' | 'absent' | 'miss';
export type Tier = 'memory' | 'redis' | 'source';

export type Lifetimes = {
  /** How long a value answers by itself, in milliseconds; 0 asks the source every time. */
  freshMs: number;
  /** How long it may be used while the source is asked, or cannot answer. At least `freshMs`. */
  usableMs: number;
  /** How long "there is no such thing" is believed. */
  absentMs: number;
};

/** What the source brought. */
export type Found<V> = { value: V; version?: number | null };

/** When a read began: by our clock, by Redis' clock, and in the order of this process' forgets. */
export type AsOf = { readAt: number; ticket: number | null; tick: number };

/** Asks the source. `ticket` orders this read among forgets on all replicas; null without Redis. */
export type Load<V> = (all: Waiter, ticket: number | null) => Promise<Found<V>>;

export type ReadThrough<V> = {
  /** The value: at once from memory, else by a promise. Rejects with what `load` rejected, or `absence`. */
  read(key: string, waiter: Waiter, load: Load<V>): V | Promise<V>;
  /** Keeps what came along with another read, as of that read's beginning. */
  put(key: string, found: Found<V>, asOf: AsOf): void;
  /** Whether memory says that there is no such thing. */
  isAbsent(key: string): boolean;
  /** Keys worth renewing: used since they were read, and with less than `share` of their fresh time left. */
  renewable(most: number, share: number): string[];
  /** Forgets a group on this replica at once, and in Redis; the promise ends when that is done. */
  forget(group: string): Promise<void>;
  /** Forgets a group in this process alone: another replica has done the rest. */
  forgetHere(group: string): void;
  /** Forgets everything in this process: messages of other replicas may have been missed. */
  clear(): void;
  /** A mark in the order of this process' reads and forgets, to be taken before a read begins. */
  tick(): number;
  bytes(): number;
};

export type ReadThroughOptions<V> = {
  clock: Clock;
  lifetimes: Lifetimes;
  maxBytes: number;
  sizeOf(value: V): number;
  /** The group that a key is forgotten with; left out where each key is its own. */
  groupOf?: (key: string) => string;
  redis: RedisTier<V> | null;
  /** What to reject with when there is no such thing. */
  absence(key: string): Error;
  isAbsence(error: unknown): boolean;
  /** The public code of a failure that a stale value may stand in for; null when it may not. */
  outageCode(error: unknown): string | null;
  onRead?: (outcome: ReadOutcome, tier: Tier) => void;
  onShared?: () => void;
  /** From 0 to 1, for jitter. */
  random?: () => number;
};

/** Fresh times end up to so much earlier, so that what was read together is not renewed together. */
const JITTER = 0.1;
/** A value that could not be renewed is not tried again for so long. */
const RETRY_AFTER_MS = 1000;
/** How long a renewal behind an answer may take. */
const RENEWAL_MS = 10_000;
/** How often, and how long, another replica's answer is looked for before the source is asked all the same. */
const FIRST_LOOK_MS = 15;
const LONGEST_PAUSE_MS = 100;
const LONGEST_LOOK_MS = 3000;
/** Reads that began before a forget have ended by then. */
const FORGET_MEMORY_MS = 120_000;

export function createReadThrough<V>(options: ReadThroughOptions<V>): ReadThrough<V> {
  const { clock, lifetimes, redis, absence, isAbsence, outageCode, random = Math.random } = options;
  const { onRead = () => {}, groupOf = (key) => key } = options;
  const { freshMs, usableMs, absentMs } = lifetimes;
  const memory = createMemoryTier<V>(options);
  const lookups = createSingleFlight<Kept<V> | undefined>(options.onShared);
  const loads = createSingleFlight<Kept<V>>(options.onShared);
  const forgets = createForgets(clock);

  function keep(key: string, entry: Entry<V>, tick: number): Kept<V> {
    const freshFor = entry.value === null ? absentMs : freshMs * (1 - JITTER * random());
    const usableFor = entry.value === null ? absentMs : usableMs;
    const [freshUntil, usableUntil] = [entry.readAt + freshFor, entry.readAt + usableFor];
    if (!forgets.since(groupOf(key), tick)) return memory.set(key, entry, freshUntil, usableUntil);
    return { ...entry, freshUntil, usableUntil, used: false, failure: null, retryAt: 0 };
  }

  const isFresh = (entry: Kept<V>) => clock.now() < entry.freshUntil;
  const isUsable = (entry: Kept<V>) => clock.now() < entry.usableUntil;
  /** Whether it may answer now although it is no longer fresh, with its successor on the way. */
  const answersStale = (entry: Kept<V>) => freshMs > 0 && entry.value !== null && isUsable(entry);

  function give(key: string, entry: Kept<V>, tier: Tier): V {
    onRead(entry.value === null ? 'absent' : 'fresh', tier);
    if (entry.value === null) throw absence(key);
    return entry.value;
  }

  function giveStale(entry: Kept<V>, tier: Tier, waiter: Waiter): V {
    onRead('stale', tier);
    waiter.onStale?.({ ageMs: clock.now() - entry.readAt, failure: entry.failure });
    // Only values are given stale.
    return entry.value as V;
  }

  function renewBehind(key: string, entry: Kept<V>, load: Load<V>): void {
    if (clock.now() < entry.retryAt || loads.isFlying(key)) return;
    entry.retryAt = clock.now() + RETRY_AFTER_MS;
    const nobody: Waiter = {
      signal: new AbortController().signal,
      deadlineAt: clock.now() + RENEWAL_MS,
      priority: 'revalidation',
    };
    loads.fly(key, nobody, (all) => fetch(key, all, load, entry)).catch(() => {});
  }

  /** Asks the source, unless another replica has just done so or is about to. */
  async function fetch(key: string, all: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<Kept<V>> {
    const turn = redis && (await awaitTurn(redis, key, all, known?.readAt ?? 0));
    if (turn && 'readAt' in turn) return turn;
    const tick = forgets.tick();
    const readAt = clock.now();
    const ticket = turn?.ticket ?? null;
    try {
      const { value, version = null } = await load(all, ticket);
      const entry = { value, version, readAt, ticket };
      const kept = keep(key, entry, tick);
      void redis?.set(key, { ...entry, version: kept.version });
      return kept;
    } catch (error) {
      if (isAbsence(error)) {
        const entry = { value: null, version: null, readAt, ticket };
        void redis?.set(key, entry);
        keep(key, entry, tick);
        throw error;
      }
      redis?.release(key);
      if (known) known.failure = outageCode(error);
      throw error;
    }
  }

  /** Leave to ask the source, or what another replica that had it has brought; undefined when Redis cannot say. */
  async function awaitTurn(
    tier: RedisTier<V>,
    key: string,
    all: Waiter,
    after: number,
  ): Promise<Lease | Kept<V> | undefined> {
    const giveUpAt = Math.min(clock.now() + LONGEST_LOOK_MS, all.deadlineAt);
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const tick = forgets.tick();
      const lease = await tier.lease(key);
      if (!lease || lease.granted || clock.now() + pause >= giveUpAt) return lease;
      await clock.sleep(pause, all.signal);
      const entry = await tier.get(key);
      if (entry && entry.readAt > after) return keep(key, entry, tick);
    }
  }

  async function lookUp(key: string): Promise<Kept<V> | undefined> {
    const tick = forgets.tick();
    const entry = await redis?.get(key);
    return entry && keep(key, entry, tick);
  }

  async function readOn(key: string, waiter: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<V> {
    const shared = redis && freshMs > 0 ? await lookups.fly(key, waiter, () => lookUp(key)) : undefined;
    if (shared && isFresh(shared)) return give(key, shared, 'redis');
    if (shared && answersStale(shared)) {
      renewBehind(key, shared, load);
      return giveStale(shared, 'redis', waiter);
    }
    const fallback = shared ?? known;
    try {
      const entry = await loads.fly(key, waiter, (all) => fetch(key, all, load, fallback));
      onRead('miss', 'source');
      if (entry.value === null) throw absence(key);
      return entry.value;
    } catch (error) {
      const failure = outageCode(error);
      if (!fallback || failure === null || fallback.value === null || !isUsable(fallback)) throw error;
      return giveStale({ ...fallback, failure }, shared ? 'redis' : 'memory', waiter);
    }
  }

  return {
    read(key, waiter, load) {
      const known = memory.get(key);
      if (known && isFresh(known)) return give(key, known, 'memory');
      if (known && answersStale(known)) {
        renewBehind(key, known, load);
        return giveStale(known, 'memory', waiter);
      }
      return readOn(key, waiter, load, known);
    },
    put(key, { value, version = null }, { readAt, ticket, tick }) {
      const known = memory.peek(key);
      // The same version again is no news, unless what is known of it is getting old.
      if (known?.value != null && version !== null && known.version === version && readAt - known.readAt < freshMs / 2)
        return;
      const entry = { value, version, readAt, ticket };
      const kept = keep(key, entry, tick);
      if (kept.readAt === readAt) void redis?.set(key, { ...entry, version: kept.version });
    },
    isAbsent(key) {
      const known = memory.peek(key);
      return known !== undefined && known.value === null && isFresh(known);
    },
    renewable(most, share) {
      const worthIt: string[] = [];
      for (const key of memory.usedKeys()) {
        if (worthIt.length >= most) break;
        const entry = memory.peek(key);
        if (entry?.value != null && entry.freshUntil - clock.now() < share * freshMs && !loads.isFlying(key))
          worthIt.push(key);
      }
      return worthIt;
    },
    async forget(group) {
      forgetHere(group);
      await redis?.forget(group);
      // A lookup that Redis answered before it forgot may have landed in between.
      forgetHere(group);
    },
    forgetHere,
    clear() {
      forgets.noteAll();
      lookups.part(() => true);
      loads.part(() => true);
      memory.clear();
    },
    tick: forgets.tick,
    bytes: memory.bytes,
  };

  function forgetHere(group: string): void {
    forgets.note(group);
    const isForgotten = (key: string) => groupOf(key) === group;
    lookups.part(isForgotten);
    loads.part(isForgotten);
    memory.deleteGroup(group);
  }
}

/** Tells which groups were forgotten since when, so that a read which began before cannot bring them back. */
function createForgets(clock: Clock) {
  const notes = new Map<string, { tick: number; at: number }>();
  let now = 0;
  let everythingAt = 0;

  return {
    tick: () => now,
    since: (group: string, tick: number) => everythingAt > tick || (notes.get(group)?.tick ?? 0) > tick,
    noteAll() {
      everythingAt = ++now;
    },
    note(group: string) {
      now++;
      notes.delete(group);
      notes.set(group, { tick: now, at: clock.now() });
      for (const [oldest, { at }] of notes) {
        if (clock.now() - at < FORGET_MEMORY_MS) break;
        notes.delete(oldest);
      }
    },
  };
}
