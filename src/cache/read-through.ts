// Reads through memory and Redis to a source: fresh, stale or absent, asked once however many ask.
// Knows no follow words: what a value is, and what a failure means, is told by its maker.
import type { Generation } from './generations.ts';
import type { Entry, Kept } from './memory-store.ts';
import { createSingleFlight, type Waiter } from './single-flight.ts';
import { type AsOf, createTiers, type Found, type TiersOptions } from './tiers.ts';

export type { AsOf, Found, Lifetimes } from './tiers.ts';

/** How a read was answered, and by which tier. */
export type ReadOutcome = 'fresh' | 'stale' | 'absent' | 'miss';
export type Tier = 'memory' | 'redis' | 'source';

export type Load<V> = (all: Waiter) => Promise<Found<V>>;

export type ReadThrough<V> = ReturnType<typeof createReadThrough<V>>;

export type ReadThroughOptions<V> = TiersOptions<V> & {
  /** What to reject with when there is no such thing. */
  absence(key: string): Error;
  /** Whether the source failed by saying that there is no such thing. */
  isAbsence(error: unknown): boolean;
  /** The public code of a failure that a stale value may stand in for; null when it may not. */
  outageCode(error: unknown): string | null;
  /** When (epoch milliseconds) something cheaper than the source last showed that a value holds; null: it does not. */
  validate?(key: string, entry: Entry<V>, all: Waiter): Promise<number | null>;
  onRead?: (outcome: ReadOutcome, tier: Tier) => void;
  onShared?: () => void;
};

/** A value that could not be renewed is not tried again for this long. */
const RETRY_AFTER_MS = 1000;
/** How long a renewal behind an answer may take. */
const RENEWAL_MS = 10_000;
/** How often, and how long, another replica's answer is looked for before the source is asked all the same. */
const FIRST_PAUSE_MS = 15;
const MAX_PAUSE_MS = 100;
const MAX_WAIT_MS = 3000;

type Read<V> = { entry: Kept<V>; tier: Tier; generation: Generation };

export function createReadThrough<V>(options: ReadThroughOptions<V>) {
  const { clock, redis, generations, absence, outageCode, validate, onRead = () => {} } = options;
  const { freshMs, webhookFreshMs, validatedMs = 0 } = options.lifetimes;
  const flights = createSingleFlight<Read<V>>(options.onShared);
  const tiers = createTiers<V>(options, flights.detach);
  const { drop, invalidate, clear, expireAll, bytes } = tiers;
  let looking = 0;

  /** Whether it may answer now although it is no longer fresh, with its successor on the way. */
  const servesStale = (entry: Kept<V>) => freshMs > 0 && tiers.canServeStale(entry);

  /** Looks into Redis, waits for another replica that asks the source, or asks it. */
  async function fetch(key: string, all: Waiter, load: Load<V>, takesStale: boolean): Promise<Read<V>> {
    const giveUpAt = Math.min(clock.now() + MAX_WAIT_MS, all.deadlineAt);
    let asOf: AsOf = { readAt: clock.now(), generation: generations.now() };
    let newerThan = freshMs === 0 ? Number.MAX_SAFE_INTEGER : clock.now() - Math.max(freshMs, webhookFreshMs);
    for (let pauseMs = FIRST_PAUSE_MS; redis; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
      const found = await lookUp(key, newerThan);
      if (!found) break;
      const { entry } = found;
      asOf = found.asOf;
      const isEnough = entry && freshMs > 0 && (tiers.isFresh(entry) || (takesStale && tiers.canServeStale(entry)));
      // The lock of what is served stale is for its renewal, which follows.
      if (isEnough && found.isGranted && tiers.isFresh(entry)) redis.unlock(key, asOf.shared ?? '');
      if (isEnough) return { entry, tier: 'redis', generation: asOf.generation };
      if (found.isGranted || clock.now() + pauseMs >= giveUpAt) break;
      if (found.newestAt !== undefined) newerThan = found.newestAt;
      else await clock.sleep(pauseMs, all.signal);
    }
    const { generation, shared = '' } = asOf;
    const known = tiers.peek(key);
    if (known && takesStale && servesStale(known)) return { entry: known, tier: 'memory', generation };
    if (known && freshMs > 0 && tiers.isHeard(known) && clock.now() < known.readAt + validatedMs) {
      const validAt = (await validate?.(key, known, all)) ?? 0;
      if (validAt > known.readAt && validAt + freshMs > clock.now() && tiers.peek(key) === known) {
        known.freshUntil = Math.min(validAt + freshMs, known.readAt + validatedMs);
        redis?.unlock(key, shared ?? '');
        return { entry: known, tier: 'source', generation };
      }
    }
    return { entry: await ask(key, all, load, { ...asOf, readAt: clock.now() }), tier: 'source', generation };
  }

  async function lookUp(key: string, newerThan: number) {
    looking++;
    try {
      return await tiers.lookUp(key, newerThan);
    } finally {
      looking--;
    }
  }

  async function ask(key: string, all: Waiter, load: Load<V>, asOf: AsOf): Promise<Kept<V>> {
    const { readAt, shared } = asOf;
    try {
      const { value, version = null, parts } = await load(all);
      return tiers.keep(key, { value, version, readAt }, asOf, parts).kept;
    } catch (error) {
      const known = tiers.peek(key);
      if (options.isAbsence(error)) tiers.keep(key, { value: null, version: null, readAt }, asOf);
      else redis?.unlock(key, shared ?? '');
      // A reader that left early says nothing of the source.
      if (known && !all.signal.aborted) known.failure = outageCode(error);
      throw error;
    }
  }

  function give(key: string, { entry, tier, generation }: Read<V>, waiter: Pick<Waiter, 'onRead'>): V {
    onRead(entry.value === null ? 'absent' : tier === 'source' ? 'miss' : 'fresh', tier);
    waiter.onRead?.({ group: tiers.nameOf(key), generation, freshUntil: tiers.httpFreshUntil(entry) });
    if (entry.value === null) throw absence(key);
    return entry.value;
  }

  function giveStale(entry: Kept<V>, tier: Tier, waiter: Waiter): V {
    onRead('stale', tier);
    waiter.onStale?.({ ageMs: clock.now() - entry.readAt, failure: entry.failure });
    return entry.value as V; // what is usable has a value
  }

  function renewBehind(key: string, entry: Kept<V>, load: Load<V>): void {
    if (clock.now() < entry.retryAt || flights.isRunning(key)) return;
    entry.retryAt = clock.now() + RETRY_AFTER_MS;
    const deadlineAt = clock.now() + RENEWAL_MS;
    const renewal: Waiter = { signal: new AbortController().signal, deadlineAt, priority: 'revalidation' };
    flights.run(key, renewal, (all) => fetch(key, all, load, false)).catch(() => {});
  }

  async function readOn(key: string, waiter: Waiter, load: Load<V>): Promise<V> {
    let read: Read<V>;
    try {
      read = await flights.run(key, waiter, (all) => fetch(key, all, load, true));
    } catch (error) {
      const failure = outageCode(error);
      const fallback = tiers.peek(key);
      if (!fallback || failure === null || !tiers.canServeStale(fallback)) throw error;
      return giveStale({ ...fallback, failure }, 'memory', waiter);
    }
    if (read.tier === 'source' || tiers.isFresh(read.entry)) return give(key, read, waiter);
    renewBehind(key, read.entry, load);
    return giveStale(read.entry, read.tier, waiter);
  }

  return {
    /** The value: at once from memory, else by a promise. Fails with what `load` rejected, or `absence`. */
    read(key: string, waiter: Waiter, load: Load<V>): V | Promise<V> {
      const entry = tiers.get(key);
      if (entry && tiers.isFresh(entry))
        return give(key, { entry, tier: 'memory', generation: generations.now() }, waiter);
      if (!entry || !tiers.isHeard(entry) || !servesStale(entry)) return readOn(key, waiter, load);
      renewBehind(key, entry, load);
      return giveStale(entry, 'memory', waiter);
    },
    /** A fresh entry, however long it takes. */
    async readFresh(key: string, waiter: Waiter, load: Load<V>): Promise<Entry<V>> {
      const known = tiers.get(key);
      if (known && tiers.isFresh(known)) return known;
      return (await flights.run(key, waiter, (all) => fetch(key, all, load, false))).entry;
    },
    /** Keeps what came along with another read, as of that read's beginning. Answers when Redis has it too. */
    put(key: string, { value, version = null }: Found<V>, asOf: AsOf): Promise<unknown> | undefined {
      const known = tiers.peek(key);
      const isKnown = version !== null && known?.version === version && known.value !== null;
      // The same version again is no news, unless what is known of it is getting old.
      if (isKnown && tiers.isHeard(known) && tiers.freshUntil(known) - asOf.readAt > freshMs / 2) return undefined;
      return tiers.keep(key, { value, version, readAt: asOf.readAt }, { ...asOf, shared: known?.shared }).written;
    },
    /** What memory knows, however old. */
    peek: (key: string): Entry<V> | undefined => tiers.peek(key),
    /** Whether memory says that there is no such thing; `waiter` is told what that rests on. */
    isAbsent(key: string, waiter: Pick<Waiter, 'onRead'>): boolean {
      const known = tiers.peek(key);
      const isAbsent = known !== undefined && known.value === null && tiers.isFresh(known);
      const freshUntil = isAbsent ? clock.now() : Number.POSITIVE_INFINITY;
      waiter.onRead?.({ group: tiers.nameOf(key), generation: generations.now(), freshUntil });
      return isAbsent;
    },
    /**
     * Whether memory's entry has less than `share` of its fresh time left, and is not asked for yet; undefined: there is
     * none.
     */
    isDue(key: string, share: number): boolean | undefined {
      if (flights.isRunning(key)) return false;
      const known = tiers.peek(key);
      if (!known || known.value === null) return known && false;
      const until = tiers.freshUntil(known);
      return until - clock.now() < share * (until - known.readAt);
    },
    /** For how many keys Redis is asked just now: most of them will be asked for next. */
    looking: () => looking,
    drop,
    invalidate,
    clear,
    expireAll,
    bytes,
  };
}
