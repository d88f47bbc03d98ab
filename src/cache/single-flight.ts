/** Somebody who waits for an answer: until `deadlineAt` (epoch milliseconds), or until `signal` aborts. */
export type Waiter = { readonly signal: AbortSignal; readonly deadlineAt: number };

/** Starts the work. It gets one waiter that stands for all: gone when the last one is, as patient as the most patient. */
export type Start<V> = (all: Waiter) => Promise<V>;

type Flight<V> = { landing: Promise<V>; waiters: Set<Waiter>; controller: AbortController };

/**
 * Lets equal reads in this process share one flight. A waiter that aborts leaves alone; the work is cancelled when
 * nobody waits any more, and who comes after that starts a new flight.
 */
export function createSingleFlight<V>() {
  const flights = new Map<string, Flight<V>>();

  return function fly(key: string, waiter: Waiter, start: Start<V>): Promise<V> {
    if (waiter.signal.aborted) return Promise.reject(waiter.signal.reason);
    const flight = flights.get(key) ?? takeOff(key, start);
    return board(key, flight, waiter);
  };

  function takeOff(key: string, start: Start<V>): Flight<V> {
    const controller = new AbortController();
    const waiters = new Set<Waiter>();
    const all: Waiter = {
      signal: controller.signal,
      get deadlineAt() {
        return Math.max(...Array.from(waiters, (waiter) => waiter.deadlineAt));
      },
    };
    // Started a microtask later, so that the first waiter is aboard when the work asks for its deadline.
    const landing = Promise.resolve(all).then(start);
    const flight = { landing, waiters, controller };
    flights.set(key, flight);
    const leave = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    landing.then(leave, leave);
    return flight;
  }

  function board(key: string, flight: Flight<V>, waiter: Waiter): Promise<V> {
    const { waiters, landing, controller } = flight;
    waiters.add(waiter);
    return new Promise<V>((resolve, reject) => {
      const give = () => {
        waiters.delete(waiter);
        reject(waiter.signal.reason);
        if (waiters.size > 0) return;
        if (flights.get(key) === flight) flights.delete(key);
        controller.abort(waiter.signal.reason);
      };
      waiter.signal.addEventListener('abort', give, { once: true });
      const done = () => waiter.signal.removeEventListener('abort', give);
      landing.then(resolve, reject).finally(done);
    });
  }
}
