// What happens to users, told as it happens to whoever listens, and once more to whoever comes back.
import type { Log, LogEntry } from '../cache/log.ts';
import { compareIds } from '../cache/log-id.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Change } from './changes.ts';
import {
  type FollowEvent,
  followEventsOf,
  type Happening,
  type Place,
  type ProfileEvent,
  profileEventsOf,
  readCursor,
} from './events.ts';
import type { FollowList, UserId } from './model.ts';
import { createNews, type News } from './news.ts';
import { createOutlet, type Outlet } from './outlet.ts';

export type { FollowEvent, ProfileEvent } from './events.ts';

export type SubscriptionTerms = {
  /** The cursor of the last event that is known; null begins from now on. */
  after: string | null;
  /** Epoch milliseconds at which the subscriber's credentials end, and the subscription with them. */
  expiresAt?: number | null;
};

export type Live = {
  /** What happens to `userId`'s fans and mutuals, as far as `maySee` allows each list; asked again for every event. */
  followEvents(
    userId: UserId,
    terms: SubscriptionTerms & { maySee(list: FollowList): boolean },
  ): AsyncIterableIterator<FollowEvent>;
  profileEvents(userIds: readonly UserId[], terms: SubscriptionTerms): AsyncIterableIterator<ProfileEvent>;
  /** How many subscriptions there are. */
  count(): number;
  /** Ends every subscription, as a completed one, and takes no more. */
  close(): void;
};

export type LiveOptions = {
  log: Pick<Log, 'listen' | 'since' | 'recent'>;
  clock: Clock;
  /** So many changes may wait for one subscriber. */
  mostWaiting?: number;
  mostSubscriptions: number;
};

type Subscriber = Pick<Outlet<Happening, unknown>, 'offer' | 'end'> & { readonly expiresAt: number | null };
type Audience = Map<UserId, Set<Subscriber>>;

const MOST_WAITING = 1000;
/** How often credentials that have ended are looked for among subscribers to whom nothing happens. */
const SWEEP_MS = 10_000;

export function createLive({ log, clock, mostWaiting = MOST_WAITING, mostSubscriptions }: LiveOptions): Live {
  const subscribers = new Set<Subscriber>();
  const followAudience: Audience = new Map();
  const profileAudience: Audience = new Map();
  const news = createNews();
  const closed = new AbortController();
  let isSweeping = false;

  const stop = log.listen(
    (entry) => {
      news.hear(entry);
      const change = news.at(entry);
      if (!change) return;
      const audience = change.type === 'profile-changed' ? profileAudience : followAudience;
      for (const userId of usersOf(change)) {
        for (const subscriber of [...(audience.get(userId) ?? [])]) subscriber.offer({ id: entry.id, change });
      }
    },
    (id) => {
      for (const subscriber of [...subscribers]) subscriber.offer(missedAt(id));
    },
  );

  const missedAt = (id: string): Happening => ({ id, change: { type: 'missed', at: clock.now() } });

  function subscribe<Event>(
    audience: Audience,
    userIds: ReadonlySet<UserId>,
    { after, expiresAt = null }: SubscriptionTerms,
    eventsOf: (happening: Happening) => readonly Event[],
  ): AsyncIterableIterator<Event> {
    const place = after === null ? null : readCursor(after);
    if (closed.signal.aborted || subscribers.size >= mostSubscriptions)
      throw new GatewayError('THROTTLED', 'There are as many subscriptions as this gateway serves. Try again later.');
    const outlet = createOutlet<Happening, Event>({
      most: mostWaiting,
      eventsOf(happening) {
        if (!isExpired(subscriber)) return eventsOf(happening);
        outlet.end(expired());
        return [];
      },
      ended() {
        subscribers.delete(subscriber);
        for (const userId of userIds) leave(audience, userId, subscriber);
      },
    });
    const subscriber: Subscriber = { expiresAt, offer: outlet.offer, end: outlet.end };
    subscribers.add(subscriber);
    for (const userId of userIds) join(audience, userId, subscriber);
    if (expiresAt !== null) void sweep();
    // What happens from now on waits until the past has been read, so that nothing falls between the two.
    if (place)
      readPast(place, userIds).then(({ happenings, upTo }) => {
        outlet.start(happenings, ({ id }) => compareIds(id, upTo) > 0);
      }, outlet.end);
    else outlet.start([]);
    return outlet.events;
  }

  /** What concerns `userIds` behind a place. Where something may be lacking, all that is said is that it may be. */
  async function readPast(place: Place, userIds: ReadonlySet<UserId>) {
    const { entries, complete, upTo } = await log.since(place.id);
    const begun = place.begun ? log.recent().findLast(({ id }) => id === place.id) : undefined;
    if (!complete || (place.begun && !begun)) return { happenings: [missedAt(upTo)], upTo };
    const concerning = entries.filter((entry) => {
      const change = news.at(entry);
      return change && usersOf(change).some((userId) => userIds.has(userId));
    });
    return { happenings: happeningsOf(concerning, begun, news), upTo };
  }

  const isExpired = ({ expiresAt }: Subscriber): boolean => expiresAt !== null && clock.now() >= expiresAt;

  async function sweep(): Promise<void> {
    if (isSweeping) return;
    isSweeping = true;
    while ([...subscribers].some(({ expiresAt }) => expiresAt !== null)) {
      await clock.sleep(SWEEP_MS, closed.signal).catch(() => {});
      for (const subscriber of [...subscribers]) if (isExpired(subscriber)) subscriber.end(expired());
    }
    isSweeping = false;
  }

  return {
    followEvents: (userId, { maySee, ...terms }) =>
      subscribe(followAudience, new Set([userId]), terms, (happening) => followEventsOf(happening, userId, maySee)),
    profileEvents: (userIds, terms) => subscribe(profileAudience, new Set(userIds), terms, profileEventsOf),
    count: () => subscribers.size,
    close() {
      stop();
      closed.abort();
      for (const subscriber of [...subscribers]) subscriber.end();
    },
  };
}

/** Made one by one, as they are taken: there may be many. */
function* happeningsOf(entries: readonly LogEntry[], begun: LogEntry | undefined, news: News): Generator<Happening> {
  for (const entry of begun ? [begun, ...entries] : entries) {
    const change = news.at(entry);
    if (change) yield { id: entry.id, change, begun: entry === begun };
  }
}

const usersOf = (change: Change): readonly UserId[] => {
  if (change.type === 'profile-changed') return [change.userId];
  return change.type === 'followed' && change.mutual ? [change.to, change.from] : [change.to];
};

const expired = () =>
  new GatewayError('UNAUTHENTICATED', 'The credentials have expired: subscribe again with new ones.');

function join(audience: Audience, userId: UserId, subscriber: Subscriber): void {
  const known = audience.get(userId);
  if (known) known.add(subscriber);
  else audience.set(userId, new Set([subscriber]));
}

function leave(audience: Audience, userId: UserId, subscriber: Subscriber): void {
  const known = audience.get(userId);
  known?.delete(subscriber);
  if (known?.size === 0) audience.delete(userId);
}
