/** What a read is for: somebody waits, or a value is renewed, or it is brought before anybody asks. */
export type Priority = 'interactive' | 'revalidation' | 'priming';

/** A value that is older than it should be, as it is given to somebody. */
export type StaleUse = {
  /** Milliseconds since the value was read from its source. */
  ageMs: number;
  /** Why no newer one is there: the public code of the failure, or null while one is on its way. */
  failure: string | null;
};

/** Somebody who waits for an answer: until `deadlineAt` (epoch milliseconds), or until `signal` aborts. */
export type Waiter = {
  readonly signal: AbortSignal;
  readonly deadlineAt: number;
  readonly priority?: Priority;
  /** Told when the answer is a stale one. */
  readonly onStale?: (use: StaleUse) => void;
  /** Told until when (epoch milliseconds) what it is given may be given to others who are told of no changes. */
  readonly onFresh?: (until: number) => void;
  /** Told of every call that is made upstream for it, retries included: that is the bill. */
  readonly onUpstreamCall?: (command: string) => void;
};

/** Starts the work. It gets one waiter that stands for all: gone when the last one is, as patient as the most patient. */
export type Start<V> = (all: Waiter) => Promise<V>;

type Work<V> = { landing: Promise<V>; waiters: Set<Waiter>; controller: AbortController };

/** A read under way; null once it is over. */
type Flight<V> = { work: Work<V> | null };

const RANKS: readonly Priority[] = ['interactive', 'revalidation', 'priming'];

/** One waiter that stands for all of `waiters`, also for those who join or leave later. */
export function standFor(waiters: ReadonlySet<Waiter>, signal: AbortSignal): Waiter {
  return {
    signal,
    get deadlineAt() {
      let latest = Number.NEGATIVE_INFINITY;
      for (const { deadlineAt } of waiters) if (deadlineAt > latest) latest = deadlineAt;
      return latest;
    },
    get priority() {
      let best = RANKS.length - 1;
      for (const { priority = 'interactive' } of waiters) best = Math.min(best, RANKS.indexOf(priority));
      return RANKS[best] ?? 'priming';
    },
    onStale(use) {
      for (const waiter of waiters) waiter.onStale?.(use);
    },
    // A call is on the bill of one of those who wait; a renewal behind an answer is on nobody's.
    onUpstreamCall(command) {
      for (const { priority = 'interactive', onUpstreamCall } of waiters) {
        if (priority === 'interactive') return onUpstreamCall?.(command);
      }
    },
  };
}

/**
 * Lets equal reads in this process share one flight. A waiter that aborts leaves alone; the work is cancelled when
 * nobody waits any more, and who comes after that starts a new flight.
 */
export function createSingleFlight<V>(onShared: () => void = () => {}) {
  /**
   * What has been in a map can outlive its removal: V8 makes a busy map's table anew all the time, and until old garbage
   * is collected, an old table keeps the next one and all that was in it. So nothing hangs on a flight that is over.
   */
  const flights = new Map<string, Flight<V>>();

  return {
    fly(key: string, waiter: Waiter, start: Start<V>): Promise<V> {
      if (waiter.signal.aborted) return Promise.reject(waiter.signal.reason);
      const underWay = flights.get(key);
      if (underWay) onShared();
      const flight = underWay ?? takeOff(key, start);
      // What is over is not among the flights.
      return board(key, flight, flight.work as Work<V>, waiter);
    },
    isFlying: (key: string): boolean => flights.has(key),
    /** Who asks for such a key from now on gets a flight of their own: what those under way bring is out of date. */
    part(isOutOfDate: (key: string) => boolean): void {
      for (const key of flights.keys()) if (isOutOfDate(key)) flights.delete(key);
    },
  };

  function takeOff(key: string, start: Start<V>): Flight<V> {
    const controller = new AbortController();
    const waiters = new Set<Waiter>();
    // Started a microtask later, so that the first waiter is aboard when the work asks for its deadline.
    const landing = Promise.resolve(standFor(waiters, controller.signal)).then(start);
    const flight = { work: { landing, waiters, controller } };
    flights.set(key, flight);
    return flight;
  }

  function board(
    key: string,
    flight: Flight<V>,
    { waiters, landing, controller }: Work<V>,
    waiter: Waiter,
  ): Promise<V> {
    const { signal } = waiter;
    waiters.add(waiter);
    return new Promise<V>((resolve, reject) => {
      const end = () => {
        if (flights.get(key) === flight) flights.delete(key);
        flight.work = null;
      };
      const give = () => {
        waiters.delete(waiter);
        reject(signal.reason);
        if (waiters.size > 0) return;
        end();
        controller.abort(signal.reason);
      };
      signal.addEventListener('abort', give, { once: true });
      const land = () => {
        end();
        signal.removeEventListener('abort', give);
      };
      landing.then(
        (value) => {
          land();
          resolve(value);
        },
        (error) => {
          land();
          reject(error);
        },
      );
    });
  }
}
