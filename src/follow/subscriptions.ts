// What happens to users, told to subscribers as it happens, and once more to those who come back with a cursor.
import { compareIds, type StreamEntry } from '../cache/change-ring.ts';
import type { ChangeStream } from '../cache/change-stream.ts';
import { type Clock, setAlarm } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { KnownChange } from './event-dedupe.ts';
import {
  type FollowEvent,
  followEventsOf,
  type LoggedChange,
  type LogPosition,
  type ProfileEvent,
  profileEventsOf,
  readCursor,
  usersOf,
} from './events.ts';
import type { FollowList, UserId } from './model.ts';
import { createSubscriberQueue, type SubscriberQueue } from './subscriber-queue.ts';

export type { FollowEvent, ProfileEvent } from './events.ts';

export type SubscriptionTerms = {
  /** The cursor of the last event that is known; null begins from now on. */
  after: string | null;
  /** Epoch milliseconds at which the subscriber's credentials end, and the subscription with them. */
  expiresAt?: number | null;
};

export type Subscriptions = {
  /** What happens to `userId`'s fans and mutuals, as far as `maySee` allows each list; asked again for every event. */
  followEvents(
    userId: UserId,
    terms: SubscriptionTerms & { maySee(list: FollowList): boolean },
  ): AsyncIterableIterator<FollowEvent>;
  profileEvents(userIds: readonly UserId[], terms: SubscriptionTerms): AsyncIterableIterator<ProfileEvent>;
  /** How many subscriptions are open. */
  count(): number;
  /** Ends every subscription, as a completed one, and takes no more. */
  close(): void;
};

export type SubscriptionsOptions = {
  stream: Pick<ChangeStream<KnownChange>, 'listen' | 'since' | 'recent'>;
  clock: Clock;
  /** How many changes may wait for one subscriber. */
  maxWaiting?: number;
  maxSubscriptions: number;
};

type Queue = SubscriberQueue<LoggedChange>;
type SubscribersByUser = Map<UserId, Set<Queue>>;

const MAX_WAITING = 1000;
/** The longest delay that a timer takes, in milliseconds. */
const LONGEST_ALARM_MS = 2 ** 31 - 1;

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { stream, clock, maxWaiting = MAX_WAITING, maxSubscriptions } = options;
  const queues = new Set<Queue>();
  const subscribersByUser = { follows: new Map(), profiles: new Map() } satisfies Record<string, SubscribersByUser>;
  let isClosed = false;

  const stop = stream.listen(
    ({ id, value: change }) => {
      if (change.isRepeated) return;
      const subscribers: SubscribersByUser =
        subscribersByUser[change.type === 'profile-changed' ? 'profiles' : 'follows'];
      for (const userId of usersOf(change))
        for (const queue of [...(subscribers.get(userId) ?? [])]) queue.offer({ id, change });
    },
    (id) => {
      for (const queue of [...queues]) queue.offer(missedAt(id));
    },
  );

  const missedAt = (id: string): LoggedChange => ({ id, change: { type: 'missed', at: clock.now() } });

  function subscribe<Event>(
    subscribers: SubscribersByUser,
    userIds: ReadonlySet<UserId>,
    { after, expiresAt = null }: SubscriptionTerms,
    eventsOf: (logged: LoggedChange) => readonly Event[],
  ): AsyncIterableIterator<Event> {
    const position = after === null ? null : readCursor(after);
    if (isClosed || queues.size >= maxSubscriptions)
      throw new GatewayError('THROTTLED', 'This gateway serves no more subscriptions. Try again later.');
    const queue: Queue = createSubscriberQueue(maxWaiting, () => {
      callOff();
      queues.delete(queue);
      for (const userId of userIds) leave(subscribers, userId, queue);
    });
    const callOff =
      expiresAt === null
        ? () => {}
        : setAlarm(clock, Math.min(Math.max(0, expiresAt - clock.now()), LONGEST_ALARM_MS), () => queue.end(expired()));
    queues.add(queue);
    for (const userId of userIds) join(subscribers, userId, queue);
    // What happens from now on waits in the queue until the past has been read, so that nothing falls between the two.
    const past = position && readPast(position, userIds);
    past?.catch((error) => queue.end(error));

    async function* events(): AsyncGenerator<Event, undefined> {
      try {
        const { missed, upTo } = (await past) ?? { missed: [], upTo: null };
        for (const logged of missed) if (queues.has(queue)) yield* eventsOf(logged);
        for (let logged = await queue.take(); logged; logged = await queue.take())
          if (upTo === null || compareIds(logged.id, upTo) > 0) yield* eventsOf(logged);
        return undefined;
      } finally {
        queue.end();
      }
    }
    const generator = events();
    return {
      next: () => generator.next(),
      async return() {
        queue.end();
        return generator.return(undefined);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** What concerns `userIds` behind a position; a single gap where something may be lacking. */
  async function readPast({ id, partlyDelivered }: LogPosition, userIds: ReadonlySet<UserId>) {
    const { entries, complete, upTo } = await stream.since(id);
    const first = partlyDelivered ? stream.recent().findLast((entry) => entry.id === id) : undefined;
    if (!complete || (partlyDelivered && !first)) return { missed: [missedAt(upTo)], upTo };
    const concerns = ({ value }: StreamEntry<KnownChange>) =>
      !value.isRepeated && usersOf(value).some((userId) => userIds.has(userId));
    const missed: LoggedChange[] = entries.filter(concerns).map((entry) => ({ id: entry.id, change: entry.value }));
    if (first) missed.unshift({ id, change: first.value, partlyDelivered });
    return { missed, upTo };
  }

  return {
    followEvents: (userId, { maySee, ...terms }) =>
      subscribe(subscribersByUser.follows, new Set([userId]), terms, (logged) =>
        followEventsOf(logged, userId, maySee),
      ),
    profileEvents: (userIds, terms) => subscribe(subscribersByUser.profiles, new Set(userIds), terms, profileEventsOf),
    count: () => queues.size,
    close() {
      isClosed = true;
      stop();
      for (const queue of [...queues]) queue.end();
    },
  };
}

const expired = () =>
  new GatewayError('UNAUTHENTICATED', 'The credentials have expired: subscribe again with new ones.');

function join(subscribers: SubscribersByUser, userId: UserId, queue: Queue): void {
  const known = subscribers.get(userId);
  if (known) known.add(queue);
  else subscribers.set(userId, new Set([queue]));
}

function leave(subscribers: SubscribersByUser, userId: UserId, queue: Queue): void {
  const known = subscribers.get(userId);
  known?.delete(queue);
  if (known?.size === 0) subscribers.delete(userId);
}
