// Reads through two tiers of memory to a source: fresh, stale or absent, asked once however many ask.
// Knows no follow words: what a value is, and what a failure means, is told by who makes it.
import { type AskingOptions, createAsking, type Load } from './asking.ts';
import type { Kept } from './memory-tier.ts';
import { createSingleFlight, type Waiter } from './single-flight.ts';
import { createTwoTiers, type TwoTiers, type TwoTiersOptions } from './two-tiers.ts';

export type { Found, Load } from './asking.ts';
export type { Lifetimes } from './two-tiers.ts';

/** How a read was answered, and by which tier. */
export type ReadOutcome = 'fresh' | 'stale' | 'absent' | 'miss';
export type Tier = 'memory' | 'redis' | 'source';

/** When a read began: by our clock, by Redis' clock, and in the order of this process' forgets. */
export type AsOf = { readAt: number; ticket: number | null; tick: number };

export type ReadThrough<V> = Pick<TwoTiers<V>, 'forget' | 'forgetHere' | 'clear' | 'distrust' | 'tick' | 'bytes'> & {
  /** The value: at once from memory, else by a promise. Rejects with what `load` rejected, or `absence`. */
  read(key: string, waiter: Waiter, load: Load<V>): V | Promise<V>;
  /** The value, where memory answers by itself; else undefined, and nothing is asked. Throws `absence`. */
  readNow(key: string, waiter: Waiter): V | undefined;
  /** Keeps what came along with another read, as of that read's beginning. */
  put(key: string, value: V, version: number | null, asOf: AsOf): void;
  /** Whether memory says that there is no such thing. */
  isAbsent(key: string): boolean;
  /** Whether what memory knows has less than `share` of its fresh time left, and nobody asks for it yet; undefined: knows nothing. */
  isDue(key: string, share: number): boolean | undefined;
  /** For how many keys Redis is asked just now: most of them will be asked for next. */
  lookingUp(): number;
};

export type ReadThroughOptions<V> = Omit<TwoTiersOptions<V>, 'onForget'> &
  AskingOptions<V> & {
    /** What to reject with when there is no such thing. */
    absence(key: string): Error;
    onRead?: (outcome: ReadOutcome, tier: Tier) => void;
    onShared?: () => void;
  };

/** A value that could not be renewed is not tried again for so long. */
const RETRY_AFTER_MS = 1000;
/** How long a renewal behind an answer may take. */
const RENEWAL_MS = 10_000;

export function createReadThrough<V>(options: ReadThroughOptions<V>): ReadThrough<V> {
  const { clock, lifetimes, redis, absence, outageCode, onRead = () => {} } = options;
  const { freshMs } = lifetimes;
  const lookups = createSingleFlight<Kept<V> | undefined>(options.onShared);
  const loads = createSingleFlight<Kept<V>>(options.onShared);
  const tiers = createTwoTiers<V>({
    ...options,
    onForget(isForgotten) {
      lookups.part(isForgotten);
      loads.part(isForgotten);
    },
  });

  const asking = createAsking<V>(options, tiers);

  /** Whether it may answer now although it is no longer fresh, with its successor on the way. */
  const answersStale = (entry: Kept<V>) => freshMs > 0 && tiers.isUsable(entry) && tiers.isTrusted(entry);

  function give(key: string, entry: Kept<V>, tier: Tier, { onFresh }: Waiter): V {
    onRead(entry.value === null ? 'absent' : tier === 'source' ? 'miss' : 'fresh', tier);
    if (entry.value === null) throw absence(key);
    onFresh?.(tiers.untoldUntil(entry));
    return entry.value;
  }

  function giveStale(entry: Kept<V>, tier: Tier, waiter: Waiter): V {
    onRead('stale', tier);
    waiter.onStale?.({ ageMs: clock.now() - entry.readAt, failure: entry.failure });
    // Only values are usable when stale.
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
    loads.fly(key, nobody, (all) => asking.ask(key, all, load, entry)).catch(() => {});
  }

  async function readOn(key: string, waiter: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<V> {
    // Where the source is asked every time, what others know is of use only where nothing is known here.
    const looksUp = redis && !(freshMs === 0 && known);
    const shared = looksUp ? await lookups.fly(key, waiter, () => asking.lookUp(key)) : undefined;
    if (shared && tiers.isFresh(shared)) return give(key, shared, 'redis', waiter);
    if (shared && answersStale(shared)) {
      renewBehind(key, shared, load);
      return giveStale(shared, 'redis', waiter);
    }
    const fallback = shared ?? known;
    try {
      return give(key, await loads.fly(key, waiter, (all) => asking.ask(key, all, load, fallback)), 'source', waiter);
    } catch (error) {
      const failure = outageCode(error);
      if (!fallback || failure === null || !tiers.isUsable(fallback)) throw error;
      return giveStale({ ...fallback, failure }, shared ? 'redis' : 'memory', waiter);
    }
  }

  return {
    read(key, waiter, load) {
      const known = tiers.get(key);
      if (known && tiers.isFresh(known)) return give(key, known, 'memory', waiter);
      if (known && answersStale(known)) {
        renewBehind(key, known, load);
        return giveStale(known, 'memory', waiter);
      }
      return readOn(key, waiter, load, known);
    },
    readNow(key, waiter) {
      const known = tiers.get(key);
      return known && tiers.isFresh(known) ? give(key, known, 'memory', waiter) : undefined;
    },
    put(key, value, version, { readAt, ticket, tick }) {
      const known = version === null ? undefined : tiers.peek(key);
      const isKnown = known !== undefined && known.version === version && known.value !== null;
      // The same version again is no news, unless what is known of it is getting old.
      if (isKnown && tiers.isTrusted(known) && readAt - known.readAt < tiers.freshFor(known) / 2) return;
      tiers.keep(key, { value, version, readAt, ticket }, tick);
    },
    isAbsent(key) {
      const known = tiers.peek(key);
      return known !== undefined && known.value === null && tiers.isFresh(known);
    },
    isDue(key, share) {
      if (loads.isFlying(key)) return false;
      const known = tiers.peek(key);
      return known && known.value !== null && tiers.freshLeft(known) < share * tiers.freshFor(known);
    },
    lookingUp: asking.lookingUp,
    forget: tiers.forget,
    forgetHere: tiers.forgetHere,
    clear: tiers.clear,
    distrust: tiers.distrust,
    tick: tiers.tick,
    bytes: tiers.bytes,
  };
}
