// Tells subscribers of changes as they happen, and of those since their last event when they come back with its cursor.
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { ChangeStream, StreamEntry } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { HeardChange } from './changes.ts';
import {
  followEventsOf,
  type LoggedChange,
  type LogPosition,
  presenceEventsOf,
  profileEventsOf,
  readCursor,
  type TopicalChange,
  type TopicKind,
  topicOf,
  topicsOf,
} from './events.ts';
import type { FollowList, UserId } from './model.ts';

export type SubscriptionTerms = {
  /** The cursor of the last event that is known; null begins from now on. */
  after: string | null;
  /** Epoch milliseconds at which the subscriber's credentials end, and the subscription with them. */
  expiresAt?: number | null;
};

export type SubscriptionsOptions = {
  stream: Pick<ChangeStream<HeardChange>, 'listen' | 'since' | 'catchUp'>;
  clock: Clock;
  maxSubscriptions: number;
};

/** The topic of all: events may have been missed. */
const GAP = 'gap';
/** The number of changes that may wait for one subscriber. */
const MAX_WAITING = 1000;

export function createSubscriptions({ stream, clock, maxSubscriptions }: SubscriptionsOptions) {
  /** The ends of all that are open. */
  const open = new Set<(error?: Error) => void>();
  const topics = new EventEmitter<Record<string, [LoggedChange]>>().setMaxListeners(0);
  let isClosed = false;

  const missedAt = (id: string): LoggedChange => ({ id, value: { type: 'missed', at: clock.now() } });
  stream.listen(
    (entry) => entry.value.isRepeated || tell(entry),
    (id) => topics.emit(GAP, missedAt(id)),
  );

  function tell(entry: StreamEntry<TopicalChange>): void {
    for (const topic of topicsOf(entry.value)) topics.emit(topic, entry);
  }

  function subscribe<Event extends { at: number; type?: string }>(
    kind: TopicKind,
    userIds: readonly UserId[],
    { after, expiresAt = null }: SubscriptionTerms,
    eventsOf: (logged: LoggedChange) => readonly Event[],
  ): AsyncIterator<Event, undefined> {
    const position = after === null ? null : readCursor(after);
    if (isClosed || open.size >= maxSubscriptions)
      throw new GatewayError('THROTTLED', 'This gateway serves no more subscriptions. Try again later.');
    const heard = [...new Set(userIds.map((userId) => topicOf(kind, userId))), GAP];
    const queue = new Readable({ objectMode: true, read() {} });
    // The reader of the next event gets the error.
    queue.on('error', () => {});
    const callOff = expiresAt === null ? () => {} : clock.alarm(expiresAt - clock.now(), () => end(expired()));
    open.add(end);
    const past = begin();
    past.catch(end);
    const generator = events();

    function offer(logged: LoggedChange): void {
      if (queue.readableLength < MAX_WAITING) queue.push(logged);
      else end(new GatewayError('THROTTLED', 'The subscriber is too slow: resume with the last cursor.'));
    }

    /** Ends it as completed, or with an error, which drops what waits. */
    function end(error?: Error): void {
      if (!open.delete(end)) return;
      callOff();
      for (const topic of heard) topics.off(topic, offer);
      if (error) queue.destroy(error);
      else queue.push(null);
    }

    /** Reads what happened since the position, and listens from that moment on. */
    async function begin(): Promise<readonly Event[]> {
      if (position && !stream.since(position.id).complete) await stream.catchUp();
      if (open.has(end)) for (const topic of heard) topics.on(topic, offer);
      return position ? eventsSince(position, heard, eventsOf) : [];
    }

    async function* events(): AsyncGenerator<Event, undefined> {
      for (const event of await past) if (open.has(end)) yield event;
      for await (const logged of queue) yield* eventsOf(logged);
      return undefined;
    }

    return {
      next: () => generator.next(),
      async return() {
        end();
        return generator.return(undefined);
      },
    };
  }

  /** What concerns these topics behind a position; a single gap where something may be missing. */
  function eventsSince<Event extends { at: number; type?: string }>(
    { id, partlyDelivered }: LogPosition,
    heard: readonly string[],
    eventsOf: (logged: LoggedChange) => readonly Event[],
  ): readonly Event[] {
    const { entry, entries, complete, upTo } = stream.since(id);
    if (!complete || (partlyDelivered && !entry)) return eventsOf(missedAt(upTo));
    const rest = entries
      .filter(({ value }) => !value.isRepeated && topicsOf(value).some((topic) => heard.includes(topic)))
      .flatMap(eventsOf);
    // The first event is the new fan's; to the other user of a mutual, who may have the same cursor, it is none.
    const isLeft = ({ type }: Event) => type !== 'FanGained';
    return partlyDelivered && entry ? [...eventsOf(entry).filter(isLeft), ...rest] : rest;
  }

  return {
    /** What happens to `userId`'s fans and mutuals, as far as `maySee` allows each list; asked again for every event. */
    followEvents(userId: UserId, { maySee, ...terms }: SubscriptionTerms & { maySee(list: FollowList): boolean }) {
      return subscribe('follows', [userId], terms, (logged) => followEventsOf(logged, userId, maySee));
    },
    profileEvents: (userIds: readonly UserId[], terms: SubscriptionTerms) =>
      subscribe('profile', userIds, terms, profileEventsOf),
    presenceEvents: (userIds: readonly UserId[], terms: Omit<SubscriptionTerms, 'after'>) =>
      subscribe('presence', userIds, { ...terms, after: null }, presenceEventsOf),
    /** Tells this replica's subscribers that a presence may have changed. */
    tellPresence(userId: UserId): void {
      tell({ id: '', value: { type: 'presence-changed', userId, at: clock.now() } });
    },
    /** How many subscriptions are open. */
    count: () => open.size,
    /** Ends every subscription, as a completed one, and takes no more. */
    close(): void {
      isClosed = true;
      for (const end of [...open]) end();
    },
  };
}

const expired = () =>
  new GatewayError('UNAUTHENTICATED', 'The credentials have expired: subscribe again with new ones.');
