import type { Clock } from '../../../src/clock.ts';

/** A clock that jumps from one awaited moment to the next: ten simulated minutes take seconds. */
export type EventClock = Clock & {
  /** Calls `happen` when the clock is there; what is due at the same moment happens in the order it was asked for. */
  at(time: number, happen: () => void): void;
  /** Lets time pass up to `end`: at each stop, all that hangs on it comes to rest before time goes on. */
  runTo(end: number): Promise<void>;
};

type Event = { time: number; order: number; happen: (() => void) | null };

export function createEventClock(startMs: number): EventClock {
  const heap: Event[] = [];
  let now = startMs;
  let orders = 0;

  function add(time: number, happen: () => void): Event {
    const event = { time: Math.max(time, now), order: orders++, happen };
    push(heap, event);
    return event;
  }

  return {
    now: () => now,
    at: (time, happen) => void add(time, happen),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const event = add(now + ms, resolve);
        const giveUp = () => {
          event.happen = null;
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
      });
    },
    async runTo(end) {
      for (let next = heap[0]; next && next.time <= end; next = heap[0]) {
        now = next.time;
        let happened = false;
        for (let due: Event | undefined = next; due && due.time <= now; due = heap[0]) {
          pop(heap);
          due.happen?.();
          happened ||= due.happen !== null;
        }
        if (happened) await rest();
      }
      now = end;
    },
  };
}

/**
 * Without sockets and timers, work goes on in promises, in `process.nextTick` and in `setImmediate`. The first two are
 * done whenever the event loop takes its turn; what is left is whether anybody waits for another turn.
 */
function rest(): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (process.getActiveResourcesInfo().includes('Immediate')) setImmediate(look);
      else resolve();
    };
    setImmediate(look);
  });
}

const isBefore = (a: Event, b: Event) => a.time < b.time || (a.time === b.time && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let place = heap.length;
  heap.push(event);
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above] as Event;
    if (!isBefore(event, parent)) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop() as Event;
  if (heap.length === 0) return;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below++;
    const child = heap[below] as Event;
    if (!isBefore(child, last)) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = last;
}
