// Asks the source for a key: one replica at a time, and not at all when another one has just brought the answer.
import type { Clock } from '../clock.ts';
import type { Kept } from './memory-tier.ts';
import type { RedisTier, Turn } from './redis-tier.ts';
import type { Waiter } from './single-flight.ts';
import type { Lifetimes, TwoTiers } from './two-tiers.ts';

/** What the source brought. */
export type Found<V> = { value: V; version?: number | null };

/** Asks the source. `ticket` orders this read among forgets on all replicas; null without Redis. */
export type Load<V> = (all: Waiter, ticket: number | null) => Promise<Found<V>>;

export type AskingOptions<V> = {
  clock: Clock;
  lifetimes: Lifetimes;
  redis: RedisTier<V> | null;
  /** Whether the source failed by saying that there is no such thing. */
  isAbsence(error: unknown): boolean;
  /** The public code of a failure that a stale value may stand in for; null when it may not. */
  outageCode(error: unknown): string | null;
};

/** How often, and how long, another replica's answer is looked for before the source is asked all the same. */
const FIRST_PAUSE_MS = 15;
const LONGEST_PAUSE_MS = 100;
const LONGEST_WAIT_MS = 3000;

export function createAsking<V>(options: AskingOptions<V>, tiers: TwoTiers<V>) {
  const { clock, lifetimes, redis, isAbsence, outageCode } = options;
  let lookingUp = 0;

  /** Leave to ask the source, or what another replica that had it has brought; undefined when Redis cannot say. */
  async function awaitTurn(key: string, all: Waiter, knownAt: number): Promise<Turn<V> | Kept<V> | undefined> {
    if (!redis) return undefined;
    // Who wants the source asked every time does not take another's answer for it.
    if (lifetimes.freshMs === 0) return counted(redis.turn(key, Number.MAX_SAFE_INTEGER, false));
    const giveUpAt = Math.min(clock.now() + LONGEST_WAIT_MS, all.deadlineAt);
    let newest = knownAt;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
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
    /** What Redis has of `key`, as memory has it from now on. */
    lookUp: (key: string): Promise<Kept<V> | undefined> => counted(tiers.lookUp(key)),
    /** For how many keys Redis is asked just now. */
    lookingUp: () => lookingUp,

    /** What the source says now, kept in both tiers; or what another replica has brought that is newer than `known`. */
    async ask(key: string, all: Waiter, load: Load<V>, known: Kept<V> | undefined): Promise<Kept<V>> {
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
    },
  };
}
