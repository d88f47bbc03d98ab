// What in the change log is news. A change may be told twice, by this gateway and by the upstream's webhook, in either
// order; and whether two follow each other by now shows only in both their changes.
import { LRUCache } from 'lru-cache';
import type { LogEntry } from '../cache/log.ts';
import { type Change, readChange } from './changes.ts';

export type News = {
  /** Takes note of an entry; every replica has them in the same order, so all judge alike. */
  hear(entry: LogEntry): void;
  /** The change that subscribers are told of at an entry that was heard; undefined when they know it already. */
  at(entry: LogEntry): Change | undefined;
};

/** The same again within so many milliseconds is the same: whoever really comes back has left in between. */
const REPEAT_MS = 120_000;
const MOST_PAIRS = 20_000;
const MOST_ENTRIES = 100_000;

export function createNews(): News {
  const pairs = new LRUCache<string, { type: Change['type']; at: number }>({ max: MOST_PAIRS });
  /** Entries that mean something else than what they say; null: nothing. */
  const judged = new LRUCache<string, { change: Change | undefined }>({ max: MOST_ENTRIES });

  function judge(change: Change): Change | undefined {
    if (change.type === 'profile-changed') return change;
    const { type, from, to, at, own } = change;
    const last = pairs.get(`${from} ${to}`);
    if (last?.type === type && Math.abs(at - last.at) <= REPEAT_MS) return undefined;
    pairs.set(`${from} ${to}`, { type, at });
    if (own && !own.isNews) return undefined;
    const reverse = pairs.get(`${to} ${from}`);
    if (!reverse || Math.abs(at - reverse.at) > REPEAT_MS) return change;
    return { ...change, mutual: reverse.type === 'followed' };
  }

  return {
    hear({ id, value }) {
      const change = readChange(value);
      if (!change) return;
      const told = judge(change);
      if (told !== change) judged.set(id, { change: told });
    },
    at({ id, value }) {
      const known = judged.get(id);
      return known ? known.change : readChange(value);
    },
  };
}
