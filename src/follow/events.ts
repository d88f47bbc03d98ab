// What a change means to one subscriber, and the cursor that resumes right behind it.
import { STREAM_ID, type StreamEntry } from '../cache/change-stream.ts';
import { GatewayError } from '../errors.ts';
import type { Change } from './changes.ts';
import type { FollowList, UserId } from './model.ts';

/** Named as clients name it. `cursor` resumes right after the event. `at` is epoch milliseconds. */
type Event<T> = { readonly type: T; readonly cursor: string; readonly at: number };

/** Events between the given cursor and this one may have been missed: read again what is shown. */
export type EventsMissed = Event<'EventsMissed'>;

export type FollowEvent =
  | (Event<'FanGained' | 'FanLost' | 'MutualGained'> & { readonly userId: UserId })
  | EventsMissed;

/** The presence of a user may have changed: what it is now is to be read. */
export type PresenceEvent = { readonly userId: UserId; readonly at: number };

export type ProfileEvent = (Event<'ProfileChanged'> & { readonly userId: UserId }) | EventsMissed;

/** What subscribers of some users are told. */
export type TopicalChange = Change | ({ readonly type: 'presence-changed' } & PresenceEvent);

/** A change, or a gap, with its position in the stream; a change of presence has none. */
export type LoggedChange = StreamEntry<TopicalChange | { readonly type: 'missed'; readonly at: number }>;

/** A position in the stream; `partlyDelivered`: after the first event of the entry there, before its second. */
export type LogPosition = { readonly id: string; readonly partlyDelivered: boolean };

const PARTLY = '~1';

/** The position that a cursor names, or `INVALID_CURSOR`. */
export function readCursor(cursor: string): LogPosition {
  const partlyDelivered = cursor.endsWith(PARTLY);
  const id = partlyDelivered ? cursor.slice(0, -PARTLY.length) : cursor;
  if (STREAM_ID.test(id)) return { id, partlyDelivered };
  throw new GatewayError('INVALID_CURSOR', 'This is no cursor of an event. Leave "after" out to begin from now on.');
}

export function followEventsOf(
  { id, value: change }: LoggedChange,
  userId: UserId,
  maySee: (list: FollowList) => boolean,
): readonly FollowEvent[] {
  const { type, at } = change;
  if (type === 'missed') return [{ type: 'EventsMissed', cursor: id, at }];
  if (type === 'profile-changed' || type === 'presence-changed') return [];
  const { from, to, mutual } = change;
  const isFollowed = to === userId && maySee('fans');
  if (type === 'unfollowed') return isFollowed ? [{ type: 'FanLost', cursor: id, at, userId: from }] : [];
  const isMutual = mutual && maySee('mutuals');
  const events: FollowEvent[] = [];
  if (isFollowed) events.push({ type: 'FanGained', cursor: isMutual ? id + PARTLY : id, at, userId: from });
  if (isMutual) events.push({ type: 'MutualGained', cursor: id, at, userId: to === userId ? from : to });
  return events;
}

export function profileEventsOf({ id, value: change }: LoggedChange): readonly ProfileEvent[] {
  const { type, at } = change;
  if (type === 'missed') return [{ type: 'EventsMissed', cursor: id, at }];
  return type === 'profile-changed' ? [{ type: 'ProfileChanged', cursor: id, at, userId: change.userId }] : [];
}

export const presenceEventsOf = ({ value: change }: LoggedChange): readonly PresenceEvent[] =>
  change.type === 'presence-changed' ? [change] : [];

export type TopicKind = 'follows' | 'profile' | 'presence';

/** Of a kind alone, so that what a subscriber does not want never waits for it. An emitter has names of its own, as `error`. */
export const topicOf = (kind: TopicKind, userId: UserId): string => `${kind} ${userId}`;

/** Those whose subscribers a change concerns. */
export function topicsOf(change: TopicalChange): readonly string[] {
  if ('userId' in change) return [topicOf(change.type === 'profile-changed' ? 'profile' : 'presence', change.userId)];
  const users = change.type === 'followed' && change.mutual ? [change.to, change.from] : [change.to];
  return users.map((userId) => topicOf('follows', userId));
}
