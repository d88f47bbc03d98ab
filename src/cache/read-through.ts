// Reads through memory and Redis to a source: fresh, stale or absent, asked once however many ask.
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Sequence } from './change-order.ts';
import type { Entry, Kept } from './memory-store.ts';
import { type CallOptions, createSingleFlight } from './single-flight.ts';
import { type AsOf, createTiers, type TiersOptions } from './tiers.ts';

/** How a read was answered, and by which tier. */
export type ReadOutcome = 'fresh' | 'stale' | 'absent' | 'miss';
export type Tier = 'memory' | 'redis' | 'source';

export type Load<V> = (all: CallOptions) => Promise<V>;

export type ReadThrough<V> = ReturnType<typeof createReadThrough<V>>;

export type ReadThroughOptions<V> = TiersOptions<V> & {
  /** What to reject with when there is no such thing; left out where each thing is. */
  absence?(key: string): Error;
  /** When (epoch milliseconds) something cheaper than the source last showed that a value holds; null: it does not. */
  validate?(key: string, entry: Entry<V>, all: CallOptions): Promise<number | null>;
  onRead(outcome: ReadOutcome, tier: Tier): void;
  onShared(): void;
};

/** A stale value may stand in while the source fails in these ways; for a client's own mistake nothing does. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  'THROTTLED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_MISCONFIGURED',
  'FEATURE_NOT_ENABLED',
]);
/** A value that could not be renewed is not tried again for this long. */
const RETRY_AFTER_MS = 1000;
/** How long a renewal behind an answer may take. */
const RENEWAL_MS = 10_000;

type Read<V> = { entry: Kept<V>; tier: Tier; sequence: Sequence };

export function createReadThrough<V>(options: ReadThroughOptions<V>) {
  const { clock, order, absence, validate, onRead } = options;
  const { freshMs, validatedMs = 0 } = options.lifetimes;
  const flights = createSingleFlight<Read<V>>(options.onShared);
  const tiers = createTiers<V>(options, flights.detach);
  const { peek, isFresh, isVerified, isLookedUp, setInMemory, drop, invalidate, expireAll, bytes } = tiers;
  let looking = 0;

  const asOf = (): AsOf => ({ readAt: clock.now(), sequence: order.now(), generation: null });
  /** Whether it may answer now although it is no longer fresh, with its successor on the way. */
  const servesStale = (entry: Kept<V>) => freshMs > 0 && tiers.canServeStale(entry);

  /** Looks into Redis, and asks the source where what is known is not enough. */
  async function fetch(key: string, all: CallOptions, load: Load<V>, takesStale: boolean): Promise<Read<V>> {
    looking++;
    const found = await tiers.lookUp(key, all.spans).finally(() => looking--);
    const began = found?.asOf ?? asOf();
    const { sequence } = began;
    const known = found ? found.entry : peek(key);
    if (known && freshMs > 0 && (isFresh(known) || (takesStale && servesStale(known))))
      return { entry: known, tier: found ? 'redis' : 'memory', sequence };
    if (known && freshMs > 0 && isVerified(known) && clock.now() < known.readAt + validatedMs) {
      const validAt = (await validate?.(key, known, all)) ?? 0;
      if (validAt > known.readAt && validAt + freshMs > clock.now() && peek(key) === known) {
        known.freshUntil = Math.min(validAt + freshMs, known.readAt + validatedMs);
        return { entry: known, tier: 'source', sequence };
      }
    }
    return { entry: await ask(key, all, load, { ...began, readAt: clock.now() }), tier: 'source', sequence };
  }

  async function ask(key: string, all: CallOptions, load: Load<V>, began: AsOf): Promise<Kept<V>> {
    try {
      return tiers.keep(key, await load(all), began);
    } catch (error) {
      const known = peek(key);
      if (absence && error instanceof GatewayError && error.code === 'USER_NOT_FOUND') tiers.keep(key, null, began);
      // A reader that left early says nothing of the source.
      if (known && !all.signal.aborted) known.failure = outageCode(error);
      throw error;
    }
  }

  function give(key: string, { entry, tier, sequence }: Read<V>, waiter: CallOptions): V {
    onRead(entry.value === null ? 'absent' : tier === 'source' ? 'miss' : 'fresh', tier);
    waiter.onRead?.({ group: tiers.nameOf(key), sequence, freshUntil: tiers.httpFreshUntil(entry) });
    if (entry.value === null) throw absence?.(key);
    return entry.value;
  }

  function giveStale(entry: Kept<V>, tier: Tier, waiter: CallOptions): V {
    onRead('stale', tier);
    waiter.onStale?.({ ageMs: clock.now() - entry.readAt, failure: entry.failure });
    return entry.value as V; // what can be served stale has a value
  }

  function renewBehind(key: string, entry: Kept<V>, load: Load<V>): void {
    if (clock.now() < entry.retryAt || flights.isRunning(key)) return;
    entry.retryAt = clock.now() + RETRY_AFTER_MS;
    const deadlineAt = clock.now() + RENEWAL_MS;
    const renewal: CallOptions = { signal: new AbortController().signal, deadlineAt, priority: 'revalidation' };
    flights.run(key, renewal, (all) => fetch(key, all, load, false)).catch(() => {});
  }

  async function readOn(key: string, waiter: CallOptions, load: Load<V>): Promise<V> {
    try {
      const read = await flights.run(key, waiter, (all) => fetch(key, all, load, true));
      if (read.tier === 'source' || isFresh(read.entry)) return give(key, read, waiter);
      renewBehind(key, read.entry, load);
      return giveStale(read.entry, read.tier, waiter);
    } catch (error) {
      const failure = outageCode(error);
      const fallback = peek(key);
      if (!fallback || failure === null || !tiers.canServeStale(fallback)) throw error;
      return giveStale({ ...fallback, failure }, 'memory', waiter);
    }
  }

  return {
    /** The value: at once from memory, else by a promise. Fails with what `load` rejected, or `absence`. */
    read(key: string, waiter: CallOptions, load: Load<V>): V | Promise<V> {
      const entry = tiers.get(key);
      if (entry && isFresh(entry)) return give(key, { entry, tier: 'memory', sequence: order.now() }, waiter);
      if (!entry || !isLookedUp(entry) || !servesStale(entry)) return readOn(key, waiter, load);
      renewBehind(key, entry, load);
      return giveStale(entry, 'memory', waiter);
    },
    /** A fresh entry, however long it takes. */
    async readFresh(key: string, waiter: CallOptions, load: Load<V>): Promise<Entry<V>> {
      const known = tiers.get(key);
      if (known && isFresh(known)) return known;
      return (await flights.run(key, waiter, (all) => fetch(key, all, load, false))).entry;
    },
    /** When something that is put later begins to be read. */
    asOf,
    /** Keeps what came along with another read, as of that read's beginning; answers it, or what is newer. */
    put(key: string, value: V, began: AsOf): V {
      const known = peek(key);
      const version = options.versionOf?.(value) ?? null;
      const isKnown = version !== null && known?.version === version && known.value !== null;
      // The same version again changes nothing, unless what is known of it is getting old.
      if (isKnown && isVerified(known) && tiers.freshUntil(known) - began.readAt > freshMs / 2) return known.value;
      return tiers.keep(key, value, { ...began, generation: known?.generation ?? null }).value ?? value;
    },
    /** What memory knows, however old. */
    peek,
    /** What memory may answer by itself. */
    peekFresh(key: string): V | null {
      const known = peek(key);
      return known && isFresh(known) ? known.value : null;
    },
    /** Whether memory's entry has less than `share` of its fresh time left, and is not asked for yet; undefined: no entry. */
    isDue(key: string, share: number): boolean | undefined {
      if (flights.isRunning(key)) return false;
      const known = peek(key);
      if (!known) return undefined;
      const until = tiers.freshUntil(known);
      return known.value !== null && until - clock.now() < share * (until - known.readAt);
    },
    /** For how many keys Redis is asked just now: most of them will be asked for next. */
    looking: () => looking,
    setInMemory,
    drop,
    invalidate,
    expireAll,
    bytes,
  };
}

/** The public code of a failure that a stale value may stand in for; else null. */
const outageCode = (error: unknown): ErrorCode | null =>
  error instanceof GatewayError && OUTAGES.has(error.code) ? error.code : null;
