// Collects single keys from all over the process into the fewest batch calls that the source takes.
import type { Clock } from '../clock.ts';
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
  /** A batch leaves when no new key has come for so long, in milliseconds, */
  quietMs: number;
  /** or when its first key has waited for so long. */
  longestMs: number;
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

export function createBatcher<V>(options: BatcherOptions<V>): Batcher<V> {
  const { clock, largest, quietMs, longestMs, call, riders = () => [], onRider = () => {}, tick = () => 0 } = options;
  const { onBatch = () => {}, skew = 0 } = options;
  let waiting: Passenger<V>[] = [];
  let firstAt = 0;
  let leaving = false;

  /** Leaves once nothing new comes: requests that arrive together share a call although they are parsed in turn. */
  async function leaveSoon(): Promise<void> {
    leaving = true;
    for (let seen = 0; seen < waiting.length && waiting.length < largest && clock.now() - firstAt < longestMs; ) {
      seen = waiting.length;
      await clock.sleep(quietMs);
    }
    leaving = false;
    const passengers = waiting;
    waiting = [];
    for (let at = 0; at < passengers.length; at += largest) void travel(passengers.slice(at, at + largest));
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
        if (waiting.length === 0) firstAt = clock.now();
        waiting.push({ key, waiter, ticket, resolve, reject });
        if (!leaving) void leaveSoon();
      });
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
    done.abort();
  }
}
