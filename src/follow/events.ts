// What a change means to one subscriber, and the cursor that resumes right behind it.
import { STREAM_ID } from '../cache/change-ring.ts';
import { GatewayError } from '../errors.ts';
import type { Change } from './changes.ts';
import type { FollowList, UserId } from './model.ts';

/** `cursor` resumes right after the event. `at` is epoch milliseconds. */
type Event<T> = { readonly type: T; readonly cursor: string; readonly at: number };

/** Between the cursor that was given and this one events may have been missed: what is shown has to be read again. */
export type EventsMissed = Event<'missed'>;

export type FollowEvent =
  | (Event<'fan-gained' | 'fan-lost' | 'mutual-gained'> & { readonly userId: UserId })
  | EventsMissed;

export type ProfileEvent = (Event<'profile-changed'> & { readonly userId: UserId }) | EventsMissed;

/** A change with its place in the stream, or a gap there; `partlyDelivered`: its first event is known already. */
export type LoggedChange = {
  readonly id: string;
  readonly change: Change | { readonly type: 'missed'; readonly at: number };
  readonly partlyDelivered?: boolean;
};

/** A place in the stream; `partlyDelivered`: after the first event of the entry there, before its second. */
export type LogPosition = { readonly id: string; readonly partlyDelivered: boolean };

const PARTLY = '~1';

/** The place that a cursor names, or `INVALID_CURSOR`. */
export function readCursor(cursor: string): LogPosition {
  const partlyDelivered = cursor.endsWith(PARTLY);
  const id = partlyDelivered ? cursor.slice(0, -PARTLY.length) : cursor;
  if (STREAM_ID.test(id)) return { id, partlyDelivered };
  throw new GatewayError('INVALID_CURSOR', 'This is no cursor of an event. Leave "after" out to begin from now on.');
}

export function followEventsOf(
  { id, change, partlyDelivered = false }: LoggedChange,
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
  if (to === userId && !partlyDelivered && maySee('fans'))
    events.push({ type: 'fan-gained', cursor: mutual && maySee('mutuals') ? id + PARTLY : id, at, userId: from });
  if (mutual && maySee('mutuals'))
    events.push({ type: 'mutual-gained', cursor: id, at, userId: to === userId ? from : to });
  return events;
}

export function profileEventsOf({ id, change }: LoggedChange): readonly ProfileEvent[] {
  if (change.type === 'missed') return [{ type: change.type, cursor: id, at: change.at }];
  if (change.type !== 'profile-changed') return [];
  return [{ type: change.type, cursor: id, at: change.at, userId: change.userId }];
}

/** Whom a change concerns. */
export function usersOf(change: Change): readonly UserId[] {
  if (change.type === 'profile-changed') return [change.userId];
  return change.type === 'followed' && change.mutual ? [change.to, change.from] : [change.to];
}
