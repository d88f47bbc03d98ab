// Between things that happen when they happen and somebody who takes the events one by one: a queue that can be full.
import { GatewayError } from '../errors.ts';

export type Outlet<Item, Event> = {
  readonly events: AsyncIterableIterator<Event>;
  /** Begins to give events: first those of `past`, then those of what was offered, as far as it `isNew`. */
  start(past: Iterable<Item>, isNew?: (item: Item) => boolean): void;
  offer(item: Item): void;
  /** Ends as completed, or with an error for whoever takes the next event. What waits is dropped. */
  end(error?: unknown): void;
};

export type OutletOptions<Item, Event> = {
  /** So many items may wait. */
  most: number;
  /** The events that an item makes for this taker, asked for when they are taken. */
  eventsOf(item: Item): readonly Event[];
  /** Called once, as soon as no more events are given. */
  ended(): void;
};

type Taker<Event> = { resolve(result: IteratorResult<Event>): void; reject(error: unknown): void };

export function createOutlet<Item, Event>({ most, eventsOf, ended }: OutletOptions<Item, Event>): Outlet<Item, Event> {
  const takers: Taker<Event>[] = [];
  let past: Iterator<Item> | null = null;
  let waiting: Item[] = [];
  let ready: readonly Event[] = [];
  let state: 'held' | 'open' | 'over' = 'held';
  let failure: { error: unknown } | null = null;

  /** The next event that is there, if any. */
  function next(): Event | undefined {
    while (ready.length === 0) {
      const item = nextItem();
      if (item === undefined) return undefined;
      ready = eventsOf(item);
    }
    const [event] = ready;
    ready = ready.slice(1);
    return event;
  }

  function nextItem(): Item | undefined {
    const old = past?.next();
    if (old && !old.done) return old.value;
    past = null;
    return waiting.shift();
  }

  function serve(): void {
    while (state === 'open' && takers.length > 0) {
      const value = next();
      if (value === undefined) break;
      takers.shift()?.resolve({ value, done: false });
    }
    if (state !== 'over') return;
    for (const { resolve, reject } of takers.splice(0)) {
      if (failure) reject(failure.error);
      else resolve({ value: undefined, done: true });
      failure = null;
    }
  }

  function end(error?: unknown): void {
    if (state === 'over') return;
    state = 'over';
    failure = error === undefined ? null : { error };
    [past, waiting, ready] = [null, [], []];
    ended();
    serve();
  }

  return {
    start(items, isNew = () => true) {
      if (state !== 'held') return;
      state = 'open';
      waiting = waiting.filter(isNew);
      past = items[Symbol.iterator]();
      serve();
    },
    offer(item) {
      if (state === 'over') return;
      waiting.push(item);
      serve();
      if (waiting.length > most)
        end(new GatewayError('THROTTLED', 'The subscriber is too slow: resume with the last cursor.'));
    },
    end,
    events: {
      next: () =>
        new Promise((resolve, reject) => {
          takers.push({ resolve, reject });
          serve();
        }),
      return() {
        failure = null;
        end();
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
