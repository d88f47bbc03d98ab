// Lets equal reads in this process share one, however early some of their waiters leave.
import type { Span } from '../span.ts';

/**
 * What a read is for, best first: a client waits, or a value is renewed, or it is brought before a client asks.
 * The index is the rank that the budget counts with.
 */
export const PRIORITIES = ['interactive', 'revalidation', 'priming'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A value that is older than it should be, as it is given to a waiter. */
export type StaleUse = {
  /** Milliseconds since the value was read from its source. */
  ageMs: number;
  /** Why no newer one is there: the public code of the failure, or null while one is on its way. */
  failure: string | null;
};

/** What a waiter was given: it holds until `freshUntil` (epoch milliseconds) while the group has not changed since. */
export type CacheRead = { group: string; sequence: number; freshUntil: number };

/** For whom something is asked: who waits until `deadlineAt` (epoch milliseconds), or until `signal` aborts. */
export type CallOptions = {
  readonly signal: AbortSignal;
  readonly deadlineAt: number;
  readonly priority?: Priority;
  /** Told when the answer is a stale one. */
  readonly onStale?: (use: StaleUse) => void;
  /** Told of every fresh answer. */
  readonly onRead?: (read: CacheRead) => void;
  /** Told of every call that is made upstream for it, retries included. */
  readonly onUpstreamCall?: (command: string) => void;
  /** The work of which this is part. */
  readonly spans?: readonly Span[];
};

export const rankOf = ({ priority = 'interactive' }: CallOptions): number => PRIORITIES.indexOf(priority);

/**
 * Several waiters as one, `all`: it is as patient as the most patient of them, and aborts when the last one has. `join`
 * answers how to stop listening to the waiter. What is done for them is a child of `work` once
 * that has begun, else of each waiter's span.
 */
export function combineWaiters() {
  const waiters = new Set<CallOptions>();
  const controller = new AbortController();
  let work: readonly Span[] | undefined;
  const all: CallOptions = {
    signal: controller.signal,
    // Asked for all the time while it waits for the budget.
    get deadlineAt() {
      let latest = Number.NEGATIVE_INFINITY;
      for (const { deadlineAt } of waiters) latest = Math.max(latest, deadlineAt);
      return latest;
    },
    get priority() {
      let best: Priority = 'priming';
      for (const waiter of waiters)
        if (rankOf(waiter) < PRIORITIES.indexOf(best)) best = waiter.priority ?? 'interactive';
      return best;
    },
    get spans() {
      return work ?? [...new Set(Array.from(waiters, ({ spans = [] }) => spans).flat())];
    },
    // A call is counted for one of the waiters; that of a renewal behind an answer is not counted.
    onUpstreamCall: (command) => [...waiters].find((waiter) => rankOf(waiter) === 0)?.onUpstreamCall?.(command),
  };

  function join(waiter: CallOptions, onAbort: (reason: unknown) => void = () => {}): () => void {
    const { signal } = waiter;
    const leave = () => {
      waiters.delete(waiter);
      onAbort(signal.reason);
      if (waiters.size === 0) controller.abort(signal.reason);
    };
    waiters.add(waiter);
    signal.addEventListener('abort', leave, { once: true });
    return () => signal.removeEventListener('abort', leave);
  }
  const beginWork = (span: Span) => {
    work = [span];
  };
  return { all, join, beginWork };
}

export function createSingleFlight<V>(onShared: () => void) {
  type Flight = Pick<ReturnType<typeof combineWaiters>, 'join'> & { answer: Promise<V> };
  const flights = new Map<string, Flight>();

  function start(key: string, work: (all: CallOptions) => Promise<V>): Flight {
    const { all, join } = combineWaiters();
    // Started a microtask later, so that the first waiter is there when the work asks for its deadline.
    const flight = { answer: Promise.resolve(all).then(work), join };
    const settle = () => flights.get(key) === flight && flights.delete(key);
    flights.set(key, flight);
    all.signal.addEventListener('abort', settle, { once: true });
    flight.answer.then(settle, settle);
    return flight;
  }

  return {
    /** `work`, or the same that is under way; a waiter that aborts leaves alone, the last one cancels it. */
    run(key: string, waiter: CallOptions, work: (all: CallOptions) => Promise<V>): Promise<V> {
      if (waiter.signal.aborted) return Promise.reject(waiter.signal.reason);
      const underWay = flights.get(key);
      if (underWay) onShared();
      const { answer, join } = underWay ?? start(key, work);
      return new Promise((resolve, reject) => {
        const stopListening = join(waiter, reject);
        answer.then(resolve, reject).finally(stopListening);
      });
    },
    isRunning: (key: string): boolean => flights.has(key),
    /** Later readers of such a key get a new read: those under way bring outdated values. */
    detach(isOutOfDate: (key: string) => boolean): void {
      for (const key of flights.keys()) if (isOutOfDate(key)) flights.delete(key);
    },
  };
}
