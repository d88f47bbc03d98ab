// Reads through two tiers of memory to a source: fresh, stale or absent, asked once however many ask.
// Knows no follow words: what a value is, and what a failure means, is told by who makes it.
import type { Kept } from './memory-tier.ts';
import type { Turn } from './redis-tier.ts';
import { createSingleFlight, type Waiter } from './single-flight.ts';
import { createTwoTiers, type TwoTiers, type TwoTiersOptions } from './two-tiers.ts';

export type { Lifetimes } from './two-tiers.ts';

/** How a read was answered, and by which tier. */
export type ReadOutcome = 'fresh' | 'stale' | 'absent' | 'miss';
export type Tier = 'memory' | 'redis' | 'source';

/** What the source brought. */
export type Found<V> = { value: V; version?: number | null };

/** When a read began: by our clock, by Redis' clock, and in the order of this process' forgets. */
export type AsOf = { readAt: number; ticket: number | null; tick: number };

/** Asks the source. `ticket` orders this read among forgets on all replicas; null without Redis. */
export type Load<V> = (all: Waiter, ticket: number | null) => Promise<Found<V>>;

export type ReadThrough<V> = Pick<TwoTiers<V>, 'forget' | 'forgetHere' | 'clear' | 'distrust' | 'tick' | 'bytes'> & {
  /** The value: at once from memory, else by a promise. Rejects with what `load` rejected, or `absence`. */
  read(key: string, waiter: Waiter, load: Load<V>): V | Promise<V>;
  /** Keeps what came along with another read, as of that read's beginning. */
  put(key: string, found: Found<V>, asOf: AsOf): void;
  /** Whether memory says that there is no such thing. */
  isAbsent(key: string): boolean;
  /** Whether what memory knows has less than `share` of its fresh time left, and nobody asks for it yet; undefined: knows nothing. */
  isDue(key: string, share: number): boolean | undefined;
  /** For how many keys Redis is asked just now: most of them will be asked for next. */
  lookingUp(): number;
};

export type ReadThroughOptions<V> = Omit<TwoTiersOptions<V>, 'onForget'> & {
  /** What to reject with when there is no such thing. */
  absence(key: string): Error;
  isAbsence(error: unknown): boolean;
  /** The public code of a failure that a stale value may stand in for; null when it may not. */
  outageCode(error: unknown): string | null;
  onRead?: (outcome: ReadOutcome, tier: Tier) => void;
  onShared?: () => void;
};

/** A value that could not be renewed is not tried again for so long. */
const RETRY_AFTER_MS = 1000;
/** How long a renewal behind an answer may take. */
const RENEWAL_MS = 10_000;
/** How often, and how long, another replica's answer is looked for before the source is asked all the same. */
const FIRST_LOOK_MS = 15;
const LONGEST_PAUSE_MS = 100;
const LONGEST_LOOK_MS = 3000;

export function createReadThrough<V>(options: ReadThroughOptions<V>): ReadThrough<V> {
  const { clock, lifetimes, redis, absence, isAbsence, outageCode, onRead = () => {} } = options;
  const { freshMs } = lifetimes;
  const lookups = createSingleFlight<Kept<V> | undefined>(options.onShared);
  const loads = createSingleFlight<Kept<V>>(options.onShared);
  let lookingUp = 0;
  const tiers = createTwoTiers<V>({
    ...options,
    onForget(isForgotten) {
      lookups.part(isForgotten);
      loads.part(isForgotten);
    },
  });

  /** Whether it may answer now although it is no longer fresh, with its successor on the way. */
  const answersStale = (entry: Kept<V>) => freshMs > 0 && tiers.isUsable(entry) && tiers.isTrusted(entry);

  function give(key: string, entry: Kept<V>, tier: Tier): V {
    onRead(entry.value === null ? 'absent' : tier === 'source' ? 'miss' : 'fresh', tier);
    if (entry.value === null) throw absence(key);
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
    loads.fly(key, nobody, (all) => fetch(key, all, load, entry)).catch(() => {});
  }

  async function readOn(key: string, waiter: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<V> {
    // Where the source is asked every time, what others know is of use only where nothing is known here.
    const looksUp = redis && !(freshMs === 0 && known);
    const shared = looksUp ? await lookups.fly(key, waiter, () => counted(tiers.lookUp(key))) : undefined;
    if (shared && tiers.isFresh(shared)) return give(key, shared, 'redis');
    if (shared && answersStale(shared)) {
      renewBehind(key, shared, load);
      return giveStale(shared, 'redis', waiter);
    }
    const fallback = shared ?? known;
    try {
      return give(key, await loads.fly(key, waiter, (all) => fetch(key, all, load, fallback)), 'source');
    } catch (error) {
      const failure = outageCode(error);
      if (!fallback || failure === null || !tiers.isUsable(fallback)) throw error;
      return giveStale({ ...fallback, failure }, shared ? 'redis' : 'memory', waiter);
    }
  }

  /** Asks the source, unless another replica has just done so or is about to. */
  async function fetch(key: string, all: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<Kept<V>> {
    const turn = await awaitTurn(key, all, known?.readAt ?? 0);
    if (turn && 'readAt' in turn) return turn;
    const ticket = turn?.ticket ?? null;
    const tick = tiers.tick();
    const readAt = clock.now();
    try {
      const { value, version = null } = await load(all, ticket);
      return tiers.keep(key, { value, version, readAt, ticket }, tick);
    } catch (error) {
      if (isAbsence(error)) {
        tiers.keep(key, { value: null, version: null, readAt, ticket }, tick);
        throw error;
      }
      redis?.release(key, ticket);
      // Who left early says nothing of the source.
      if (known && !all.signal.aborted) known.failure = outageCode(error);
      throw error;
    }
  }

  /** Leave to ask the source, or what another replica that had it has brought; undefined when Redis cannot say. */
  async function awaitTurn(key: string, all: Waiter, knownAt: number): Promise<Turn<V> | Kept<V> | undefined> {
    if (!redis) return undefined;
    // Who wants the source asked every time does not take another's answer for it.
    if (freshMs === 0) return counted(redis.turn(key, Number.MAX_SAFE_INTEGER, false));
    const giveUpAt = Math.min(clock.now() + LONGEST_LOOK_MS, all.deadlineAt);
    let newest = knownAt;
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const tick = tiers.tick();
      const turn = await counted(redis.turn(key, newest, true));
      if (turn?.entry) {
        const kept = tiers.keepHere(key, turn.entry, tick);
        if (tiers.isFresh(kept)) return kept;
        newest = turn.entry.readAt;
        continue;
      }
      if (!turn || turn.granted || clock.now() + pause >= giveUpAt) return turn;
      await clock.sleep(pause, all.signal);
    }
  }

  async function counted<T>(question: Promise<T>): Promise<T> {
    lookingUp++;
    try {
      return await question;
    } finally {
      lookingUp--;
    }
  }

  return {
    read(key, waiter, load) {
      const known = tiers.get(key);
      if (known && tiers.isFresh(known)) return give(key, known, 'memory');
      if (known && answersStale(known)) {
        renewBehind(key, known, load);
        return giveStale(known, 'memory', waiter);
      }
      return readOn(key, waiter, load, known);
    },
    put(key, { value, version = null }, { readAt, ticket, tick }) {
      const known = tiers.peek(key);
      const isKnown = known?.value != null && version !== null && known.version === version;
      // The same version again is no news, unless what is known of it is getting old.
      if (isKnown && tiers.isTrusted(known) && readAt - known.readAt < freshMs / 2) return;
      tiers.keep(key, { value, version, readAt, ticket }, tick);
    },
    isAbsent(key) {
      const known = tiers.peek(key);
      return known !== undefined && known.value === null && tiers.isFresh(known);
    },
    isDue(key, share) {
      if (loads.isFlying(key)) return false;
      const known = tiers.peek(key);
      return known && known.value !== null && known.freshUntil - clock.now() < share * freshMs;
    },
    lookingUp: () => lookingUp,
    forget: tiers.forget,
    forgetHere: tiers.forgetHere,
    clear: tiers.clear,
    distrust: tiers.distrust,
    tick: tiers.tick,
    bytes: tiers.bytes,
  };
}
