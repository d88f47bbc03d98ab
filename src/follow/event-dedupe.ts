// Which changes subscribers are told of. A change may come twice, from this gateway and from the upstream's webhook, in
// either order; and whether two users follow each other by now shows only in both their changes.
import { LRUCache } from 'lru-cache';
import { type Change, readChange } from './changes.ts';

/** A change as this gateway understands it; `isRepeated` when subscribers know it already. */
export type KnownChange = Change & { readonly isRepeated?: boolean };

/** The same change again within this time is the same one: who really comes back has left in between. */
const REPEAT_MS = 120_000;
const MAX_PAIRS = 20_000;

/** Reads changes in their order, which is the same on every replica, so that all judge alike. */
export function createEventDedupe(): (value: unknown) => KnownChange | undefined {
  const pairs = new LRUCache<string, { type: Change['type']; at: number }>({ max: MAX_PAIRS });
  const near = (at: number, other: { at: number } | undefined): boolean =>
    other !== undefined && Math.abs(at - other.at) <= REPEAT_MS;

  return (value) => {
    const change = readChange(value);
    if (!change || change.type === 'profile-changed') return change;
    const { type, from, to, at, own } = change;
    const last = pairs.get(`${from} ${to}`);
    const isRepeated = (last?.type === type && near(at, last)) || own?.isNew === false;
    if (last?.type !== type || !near(at, last)) pairs.set(`${from} ${to}`, { type, at });
    const reverse = pairs.get(`${to} ${from}`);
    const mutual = near(at, reverse) ? reverse?.type === 'followed' : change.mutual;
    return { ...change, mutual, isRepeated };
  };
}
