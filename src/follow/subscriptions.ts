// Tells subscribers of changes as they happen, and of those since their last event when they come back with its cursor.
import { EventEmitter } from 'node:events';
import type { ChangeStream } from '../cache/change-stream.ts';
import { type Clock, setAlarm } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { HeardChange } from './changes.ts';
import {
  followEventsOf,
  followTopic,
  type LoggedChange,
  type LogPosition,
  profileEventsOf,
  profileTopic,
  readCursor,
  topicsOf,
} from './events.ts';
import type { FollowList, UserId } from './model.ts';

export type { FollowEvent, ProfileEvent } from './events.ts';

export type SubscriptionTerms = {
  /** The cursor of the last event that is known; null begins from now on. */
  after: string | null;
  /** Epoch milliseconds at which the subscriber's credentials end, and the subscription with them. */
  expiresAt?: number | null;
};

export type Subscriptions = ReturnType<typeof createSubscriptions>;

export type SubscriptionsOptions = {
  stream: Pick<ChangeStream<HeardChange>, 'listen' | 'since' | 'catchUp'>;
  clock: Clock;
  maxSubscriptions: number;
};

type Queue = ReturnType<typeof createQueue>;
type PastChange = LoggedChange & { isPartlyDelivered?: boolean };

/** The topic of all: events may have been missed. */
const GAP = 'gap';
/** The number of changes that may wait for one subscriber. */
const MAX_WAITING = 1000;
/** The longest delay that a timer takes, in milliseconds. */
const LONGEST_ALARM_MS = 2 ** 31 - 1;

export function createSubscriptions(options: SubscriptionsOptions) {
  const { stream, clock, maxSubscriptions } = options;
  const queues = new Set<Queue>();
  const topics = new EventEmitter<Record<string, [LoggedChange]>>().setMaxListeners(0);
  let isClosed = false;

  const missedAt = (id: string): LoggedChange => ({ id, change: { type: 'missed', at: clock.now() } });
  const stop = stream.listen(
    ({ id, value: change }) => {
      if (!change.isRepeated) for (const topic of topicsOf(change)) topics.emit(topic, { id, change });
    },
    (id) => topics.emit(GAP, missedAt(id)),
  );

  function subscribe<Event>(
    concerned: ReadonlySet<string>,
    { after, expiresAt = null }: SubscriptionTerms,
    eventsOf: (logged: LoggedChange) => readonly Event[],
  ): AsyncIterableIterator<Event> {
    const position = after === null ? null : readCursor(after);
    if (isClosed || queues.size >= maxSubscriptions)
      throw new GatewayError('THROTTLED', 'This gateway serves no more subscriptions. Try again later.');
    const queue: Queue = createQueue(() => {
      callOff();
      queues.delete(queue);
      for (const topic of [...concerned, GAP]) topics.off(topic, queue.offer);
    });
    const endsInMs = Math.min(Math.max(0, (expiresAt ?? Number.POSITIVE_INFINITY) - clock.now()), LONGEST_ALARM_MS);
    const callOff = expiresAt === null ? () => {} : setAlarm(clock, endsInMs, () => queue.end(expired()));
    queues.add(queue);
    const past = begin();
    past.catch(queue.end);

    /** Reads what happened since the position, and listens from that moment on. */
    async function begin() {
      if (position && !stream.since(position.id).complete) await stream.catchUp();
      if (queues.has(queue)) for (const topic of [...concerned, GAP]) topics.on(topic, queue.offer);
      return position ? pastOf(position, concerned) : [];
    }

    async function* events(): AsyncGenerator<Event, undefined> {
      for (const { isPartlyDelivered, ...logged } of await past) {
        const all = eventsOf(logged);
        if (queues.has(queue)) yield* isPartlyDelivered ? all.slice(1) : all;
      }
      for await (const logged of queue.items) yield* eventsOf(logged);
      return undefined;
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

  /** What is `concerned` behind a position; a single gap where something may be missing. */
  function pastOf({ id, partlyDelivered }: LogPosition, concerned: ReadonlySet<string>): PastChange[] {
    const { entry, entries, complete, upTo } = stream.since(id);
    if (!complete || (partlyDelivered && !entry)) return [missedAt(upTo)];
    const rest = entries.filter(({ value }) => !value.isRepeated && topicsOf(value).some((it) => concerned.has(it)));
    const past: PastChange[] = rest.map(({ id, value: change }) => ({ id, change }));
    return partlyDelivered && entry ? [{ id, change: entry.value, isPartlyDelivered: true }, ...past] : past;
  }

  return {
    /** What happens to `userId`'s fans and mutuals, as far as `maySee` allows each list; asked again for every event. */
    followEvents(userId: UserId, { maySee, ...terms }: SubscriptionTerms & { maySee(list: FollowList): boolean }) {
      return subscribe(new Set([followTopic(userId)]), terms, (logged) => followEventsOf(logged, userId, maySee));
    },
    profileEvents: (userIds: readonly UserId[], terms: SubscriptionTerms) =>
      subscribe(new Set(userIds.map(profileTopic)), terms, profileEventsOf),
    /** How many subscriptions are open. */
    count: () => queues.size,
    /** Ends every subscription, as a completed one, and takes no more. */
    close(): void {
      isClosed = true;
      stop();
      for (const queue of [...queues]) queue.end();
    },
  };
}

const expired = () =>
  new GatewayError('UNAUTHENTICATED', 'The credentials have expired: subscribe again with new ones.');

/** Changes that wait for one subscriber. `onEnd` is called once, as soon as the queue takes nothing more. */
function createQueue(onEnd: () => void) {
  let isOpen = true;
  let controller: ReadableStreamDefaultController<LoggedChange>;
  const items = new ReadableStream<LoggedChange>(
    {
      start(started) {
        controller = started;
      },
      cancel: () => finish(() => {}),
    },
    { highWaterMark: MAX_WAITING },
  );

  function finish(how: () => void): void {
    if (!isOpen) return;
    isOpen = false;
    how();
    onEnd();
  }
  /** Ends the queue as completed, or with an error, which drops what waits. */
  const end = (error?: Error) => finish(() => (error ? controller.error(error) : controller.close()));

  return {
    items,
    end,
    offer(logged: LoggedChange): void {
      if (!isOpen) return;
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(logged);
      else end(new GatewayError('THROTTLED', 'The subscriber is too slow: resume with the last cursor.'));
    },
  };
}
