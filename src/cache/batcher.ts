// Collects single keys from all over the process into the fewest batch calls that the source takes.
import { LRUCache } from 'lru-cache';
import { type Clock, NOT_NEEDED } from '../clock.ts';
import type { AsOf } from './read-through.ts';
import { standFor, type Waiter } from './single-flight.ts';

/** One answer for every key that was asked; a failure stays with its key. */
export type Answers<V> = ReadonlyMap<string, V | Error>;

export type Batcher<V> = {
  /** The value of `key`, from the next batch. */
  ask(key: string, waiter: Waiter, ticket?: number | null): Promise<V>;
};

export type BatcherOptions<V> = {
  clock: Clock;
  /** The most keys that one call takes. */
  largest: number;
  /** How many keys are on their way here: Redis is asked for them just now. A batch waits for them a little longer. */
  approaching?: () => number;
  call(keys: readonly string[], all: Waiter): Promise<Answers<V>>;
  /** Keys that may ride along in `seats` spare places. Nobody waits for them: what they bring goes to `onRider`. */
  riders?: (seats: number) => readonly string[];
  onRider?: (key: string, value: V, asOf: AsOf) => void;
  tick?: () => number;
  /** By how much clocks of Redis nodes may differ, in microseconds: riders have no ticket of their own. */
  skew?: number;
  onBatch?: (size: number) => void;
};

type Passenger<V> = {
  key: string;
  waiter: Waiter;
  ticket: number | null;
  resolve(value: V): void;
  reject(error: unknown): void;
};

/**
 * A batch waits for company in rounds: so many milliseconds, and so many turns of the event loop. The turns are what
 * counts when the process is busy: requests that have arrived together are parsed one by one, with much time between.
 */
const ROUND_MS = 1.5;
const ROUND_TURNS = 3;
/** It leaves after a round that brought nobody, and after so many that brought few; a crowd is worth waiting for. */
const THIN_ROUNDS = 6;
const FEW = 3;
/** So many groups wait apart; a group beyond that begins another batch, and loses nothing else. */
const MOST_GROUPS = 5000;

export function createBatcher<V>(options: BatcherOptions<V>): Batcher<V> {
  const { clock, largest, approaching = () => 0, call, riders = () => [], onRider = () => {} } = options;
  const { tick = () => 0, onBatch = () => {}, skew = 0 } = options;
  let waiting: Passenger<V>[] = [];

  async function leaveSoon(batch: Passenger<V>[]): Promise<void> {
    for (let thin = 0, come = batch.length; thin < THIN_ROUNDS && (come > 0 || approaching() > 0); ) {
      const before = batch.length;
      await clock.sleep(ROUND_MS);
      for (let turn = 0; turn < ROUND_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (batch !== waiting) return;
      come = batch.length - before;
      if (come < FEW) thin++;
    }
    leave();
  }

  function leave(): void {
    const passengers = waiting;
    waiting = [];
    void travel(passengers);
  }

  async function travel(passengers: readonly Passenger<V>[]): Promise<void> {
    const present = passengers.filter(({ waiter }) => !waiter.signal.aborted);
    for (const { waiter, reject } of passengers) if (waiter.signal.aborted) reject(waiter.signal.reason);
    if (present.length === 0) return;

    const asked = new Set(present.map(({ key }) => key));
    const riding = riders(largest - asked.size).filter((key) => !asked.has(key));
    const tickets = present.flatMap(({ ticket }) => ticket ?? []);
    const asOf = { readAt: clock.now(), tick: tick(), ticket: tickets.length > 0 ? Math.min(...tickets) - skew : null };
    const waiters = new Set(present.map(({ waiter }) => waiter));
    onBatch(asked.size + riding.length);
    try {
      const answers = await withdrawable(waiters, (all) => call([...asked, ...riding], all));
      for (const { key, resolve, reject } of present) {
        const answer = answers.get(key);
        if (answer === undefined || answer instanceof Error) reject(answer ?? new Error(`The batch left out ${key}.`));
        else resolve(answer);
      }
      for (const key of riding) {
        const answer = answers.get(key);
        if (answer !== undefined && !(answer instanceof Error)) onRider(key, answer, asOf);
      }
    } catch (error) {
      for (const { reject } of present) reject(error);
    }
  }

  return {
    ask(key, waiter, ticket = null) {
      return new Promise((resolve, reject) => {
        waiting.push({ key, waiter, ticket, resolve, reject });
        if (waiting.length === largest) leave();
        else if (waiting.length === 1) void leaveSoon(waiting);
      });
    },
  };
}

/** The same where a call takes keys of one group only: each group's keys wait for their own kind. */
export function createGroupedBatcher<V>(groupOf: (key: string) => string, options: BatcherOptions<V>): Batcher<V> {
  const batchers = new LRUCache<string, Batcher<V>>({ max: MOST_GROUPS });
  return {
    ask(key, waiter, ticket) {
      const group = groupOf(key);
      const batcher = batchers.get(group) ?? createBatcher(options);
      batchers.set(group, batcher);
      return batcher.ask(key, waiter, ticket);
    },
  };
}

/** Does `work` for all of `waiters`; it is cancelled when the last of them has gone. */
async function withdrawable<T>(waiters: ReadonlySet<Waiter>, work: (all: Waiter) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const done = new AbortController();
  const present = new Set(waiters);
  for (const waiter of waiters) {
    const go = () => {
      present.delete(waiter);
      if (present.size === 0) controller.abort(waiter.signal.reason);
    };
    waiter.signal.addEventListener('abort', go, { once: true, signal: done.signal });
  }
  try {
    return await work(standFor(waiters, controller.signal));
  } finally {
    done.abort(NOT_NEEDED);
  }
}
