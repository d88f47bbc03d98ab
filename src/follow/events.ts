// What a change means to one subscriber, and the cursor that resumes right behind it.
import { compareIds, LOG_ID } from '../cache/log-id.ts';
import { GatewayError } from '../errors.ts';
import type { Change } from './changes.ts';
import type { FollowList, UserId } from './model.ts';

/** `cursor` resumes right after the event. `at` is epoch milliseconds. */
type Told<T> = { readonly type: T; readonly cursor: string; readonly at: number };

/** Between the cursor that was given and this one events may have been missed: what is shown has to be read again. */
export type EventsMissed = Told<'missed'>;

export type FollowEvent =
  | (Told<'fan-gained' | 'fan-lost' | 'mutual-gained'> & { readonly userId: UserId })
  | EventsMissed;

export type ProfileEvent = (Told<'profile-changed'> & { readonly userId: UserId }) | EventsMissed;

/** A change with its place in the log; `begun`: its first event is known already. Without a change, some were missed. */
export type Happening = {
  readonly id: string;
  readonly change: Change | { readonly type: 'missed'; readonly at: number };
  readonly begun?: boolean;
};

/** A place in the log; `begun`: after the first event of the entry there, before its second. */
export type Place = { readonly id: string; readonly begun: boolean };

const BEGUN = '~1';

/** The place that a cursor names, or `INVALID_CURSOR`. */
export function readCursor(cursor: string): Place {
  const begun = cursor.endsWith(BEGUN);
  const id = begun ? cursor.slice(0, -BEGUN.length) : cursor;
  if (LOG_ID.test(id)) return { id, begun };
  throw new GatewayError('INVALID_CURSOR', 'This is no cursor of an event. Leave "after" out to begin from now on.');
}

/** Whichever of two cursors is further on; null counts as none. Either may be `INVALID_CURSOR`. */
export function laterCursor(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  const [a, b] = [readCursor(one), readCursor(other)];
  const order = compareIds(a.id, b.id);
  return order > 0 || (order === 0 && !a.begun) ? one : other;
}

export function followEventsOf(
  { id, change, begun = false }: Happening,
  userId: UserId,
  maySee: (list: FollowList) => boolean,
): readonly FollowEvent[] {
  const { type, at } = change;
  if (type === 'missed') return [{ type, cursor: id, at }];
  if (type === 'profile-changed') return [];
  const { from, to, mutual } = change;
  if (type === 'unfollowed')
    return to === userId && maySee('fans') ? [{ type: 'fan-lost', cursor: id, at, userId: from }] : [];
  const events: FollowEvent[] = [];
  if (to === userId && !begun && maySee('fans'))
    events.push({ type: 'fan-gained', cursor: mutual && maySee('mutuals') ? id + BEGUN : id, at, userId: from });
  if (mutual && maySee('mutuals'))
    events.push({ type: 'mutual-gained', cursor: id, at, userId: to === userId ? from : to });
  return events;
}

export function profileEventsOf({ id, change }: Happening): readonly ProfileEvent[] {
  if (change.type === 'missed') return [{ type: change.type, cursor: id, at: change.at }];
  if (change.type !== 'profile-changed') return [];
  return [{ type: change.type, cursor: id, at: change.at, userId: change.userId }];
}
