// How many requests one client may make: counted here, and with other replicas behind the answers.
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

/** Length of the windows that requests are counted in. What was in the last one counts as far as it is within a minute. */
export const RATE_WINDOW_MS = 60_000;
/** A client of whom nothing was heard for longest is forgotten beyond so many. */
const MOST_CLIENTS = 50_000;
/** Other replicas are told each time that a client has used up such a part of what it may: few are ever told of. */
const TOLD_PARTS = 20;

export type ClientRates = {
  /** Counts a request of a client; null, or in how many seconds another one makes sense. */
  take(client: string): number | null;
};

export type ClientRatesOptions = {
  perMinute: number;
  /** Adds up what all replicas count; null: this one is alone. Undefined: it is not known. */
  shared: {
    add(name: string, window: number, count: number): Promise<{ current: number; previous: number } | undefined>;
  } | null;
  clock: Clock;
};

type Count = { window: number; current: number; previous: number; untold: number };

/**
 * Makes the limit. Nobody waits for Redis: replicas tell each other of a client by twentieths of what it may do, so each
 * of them lets through a twentieth more at most, and what comes while it tells. Without Redis each one counts alone.
 */
export function createClientRates({ perMinute, shared, clock }: ClientRatesOptions): ClientRates {
  const counts = new LRUCache<string, Count>({ max: MOST_CLIENTS });
  const step = Math.max(1, Math.floor(perMinute / TOLD_PARTS));

  function countOf(client: string, window: number): Count {
    const known = counts.get(client);
    if (known?.window === window) return known;
    const previous = known?.window === window - 1 ? known.current : 0;
    const fresh = { window, current: 0, previous, untold: 0 };
    counts.set(client, fresh);
    return fresh;
  }

  function tell(client: string, count: Count): void {
    const { window, untold } = count;
    count.untold = 0;
    void shared?.add(client, window, untold).then((all) => {
      if (!all) return;
      count.current = Math.max(count.current, all.current + count.untold);
      count.previous = Math.max(count.previous, all.previous);
    });
  }

  return {
    take(client) {
      const now = clock.now();
      const window = Math.floor(now / RATE_WINDOW_MS);
      const passed = (now % RATE_WINDOW_MS) / RATE_WINDOW_MS;
      const count = countOf(client, window);
      if (count.current + count.previous * (1 - passed) + 1 > perMinute)
        return Math.max(1, Math.ceil((waitOf(count, perMinute, passed) * RATE_WINDOW_MS) / 1000));
      count.current++;
      count.untold++;
      if (shared && count.untold >= step) tell(client, count);
      return null;
    },
  };
}

/** After what part of a window one more request fits. */
function waitOf({ current, previous }: Count, perMinute: number, passed: number): number {
  const room = perMinute - 1;
  if (current <= room) return 1 - (room - current) / previous - passed;
  return 1 - passed + (1 - room / current);
}

export const tooManyRequests = (seconds: number): string =>
  `Too many requests: try again in ${seconds} second${seconds === 1 ? '' : 's'}.`;

/** Who a request is counted for: who asks, or the network of nobody in particular. */
export function clientNameOf(viewerId: string | null, address: string): string {
  return viewerId === null ? `from ${networkOf(address)}` : `by ${viewerId}`;
}

/** An IPv4 address, or the part of an IPv6 address that one customer has: the rest they choose as they like. */
function networkOf(address: string): string {
  if (!address.includes(':') || !isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const given = groups(head);
  const missing = tail === undefined ? 0 : 8 - given.length - groups(tail).length;
  const all = [...given, ...Array<string>(Math.max(0, missing)).fill('0'), ...groups(tail ?? '')];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
