// What is done with webhook events: what they name is invalidated at once; what the upstream confirms is told to
// subscribers. Their signature covers no body (upstream contract, 7.3), so nothing is believed of an event itself, and a
// flood of them is dropped.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import { type FollowChange, isFan, isFollowing } from './changes.ts';
import type { DelayedInvalidation } from './delayed-invalidation.ts';
import type { KnownChange } from './event-dedupe.ts';
import type { FollowRelation, UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';
import type { FollowService, Outcome } from './services.ts';

/**
 * What a webhook says has happened. `at` is when, `eventTime` the same, null where the webhook did not say. Both are epoch
 * milliseconds.
 */
export type WebhookEvent = { at: number; eventTime: number | null } & (
  | { type: FollowChange['type']; from: UserId; to: readonly UserId[] }
  | { type: 'profile-changed'; userId: UserId }
);

/** What became of an event; a `dropped` one changed nothing. */
export type WebhookOutcome = 'taken' | 'duplicate' | 'own' | 'dropped';

export type WebhookEvents = {
  /** Takes an event and answers at once; what it asks for is done later. */
  take(event: WebhookEvent): WebhookOutcome;
  /** Leaves what is not done yet. */
  close(): void;
};

export type WebhookEventsOptions = {
  /** The upstream itself: its word counts. */
  follow: Pick<FollowService, 'readRelations'>;
  cache: Pick<CachedFollowService, 'invalidate' | 'noteWebhook' | 'withdrawWebhooks'>;
  own: Pick<OwnChanges, 'consumeOwnChange'>;
  delayed: Pick<DelayedInvalidation, 'schedule'>;
  stream: Pick<ChangeStream<KnownChange>, 'append'>;
  clock: Clock;
  /** Told when events begin to be dropped, and when they are taken again. */
  onFlood(isFlood: boolean): void;
  onBug(error: unknown): void;
};

/** An app's own events name fewer users a second than this, on each replica; more is taken for a flood. */
const USERS_PER_SECOND = 100;
const BURST_USERS = 100;
/** After a flood events are dropped, and fresh times are those without webhooks, until this long has been quiet. */
export const FLOOD_MS = 60_000;
/** The same event within this time is a duplicate: the upstream may deliver it more than once (upstream contract, 7.2). */
const DUPLICATE_MS = 600_000;
const MAX_EVENTS = 10_000;
/** What the upstream does not confirm yet is asked again after these pauses, since its parts may lag. */
const PAUSES_MS = [1000, 5000];
const CONFIRM_MS = 10_000;
const MAX_CHECKS = 4;
/** How many relations one call tells (upstream contract, 4.4). */
const CHECKED_AT_ONCE = 100;
const MAX_WAITING = 1000;

type Unconfirmed = { type: FollowChange['type']; from: UserId; to: UserId; at: number; tries: number };

export function createWebhookEvents(options: WebhookEventsOptions): WebhookEvents {
  const { follow, cache, own, delayed, stream, clock, onFlood, onBug } = options;
  const closed = new AbortController();
  const taken = new LRUCache<string, number>({ max: MAX_EVENTS });
  let tokens = BURST_USERS;
  let filledAt = clock.now();
  let floodUntil = Number.NEGATIVE_INFINITY;
  let isFlood = false;
  let waiting: Unconfirmed[] = [];
  let checks = 0;

  /** Whether an event that names this number of users is one too many. */
  function isTooMuch(users: number): boolean {
    const now = clock.now();
    tokens = Math.min(BURST_USERS, tokens + ((now - filledAt) / 1000) * USERS_PER_SECOND);
    filledAt = now;
    tokens -= users;
    if (tokens < 0) {
      tokens = Math.max(tokens, -BURST_USERS);
      floodUntil = now + FLOOD_MS;
      waiting = [];
      // Events that matter may be among those that are dropped.
      cache.withdrawWebhooks(FLOOD_MS);
    }
    const isNow = now < floodUntil;
    if (isNow !== isFlood) onFlood(isNow);
    isFlood = isNow;
    return isNow;
  }

  function isRepeated(event: WebhookEvent): boolean {
    const name = nameOf(event);
    if (name === null) return false;
    const isKnown = clock.now() - (taken.get(name) ?? Number.NEGATIVE_INFINITY) < DUPLICATE_MS;
    if (!isKnown) taken.set(name, clock.now());
    return isKnown;
  }

  const invalidate = ({ from, to }: Pick<FollowChange, 'from' | 'to'>) =>
    cache.invalidate({ type: 'follow-changed', from, to });

  async function takeProfile(userId: UserId, at: number): Promise<void> {
    await cache.invalidate({ type: 'profile-changed', userId });
    await stream.append({ type: 'profile-changed', userId, at });
  }

  function confirm(change: Unconfirmed): void {
    if (waiting.length >= MAX_WAITING) return;
    waiting.push(change);
    pump();
  }

  /** A few checks at a time; what comes meanwhile shares the next ones. */
  function pump(): void {
    while (checks < MAX_CHECKS && waiting.length > 0 && !closed.signal.aborted) {
      checks++;
      void check(takeBatch())
        .catch(report)
        .finally(() => {
          checks--;
          pump();
        });
    }
  }

  /** What waits about the same user as the first one, on whichever side more of it is. */
  function takeBatch(): { side: 'from' | 'to'; batch: Unconfirmed[] } {
    const [first] = waiting as [Unconfirmed];
    const same = (side: 'from' | 'to') => waiting.filter((change) => change[side] === first[side]);
    const side = same('to').length > same('from').length ? 'to' : 'from';
    const batch = same(side).slice(0, CHECKED_AT_ONCE);
    waiting = waiting.filter((change) => !batch.includes(change));
    return { side, batch };
  }

  async function check({ side, batch }: { side: 'from' | 'to'; batch: Unconfirmed[] }): Promise<void> {
    const [first] = batch as [Unconfirmed];
    const other = side === 'from' ? 'to' : 'from';
    const relations = await follow.readRelations(first[side], [...new Set(batch.map((change) => change[other]))], {
      signal: closed.signal,
      deadlineAt: clock.now() + CONFIRM_MS,
      priority: 'revalidation',
    });
    for (const change of batch) await conclude(change, side, relations.get(change[other]));
  }

  async function conclude(change: Unconfirmed, side: 'from' | 'to', relation: Outcome<FollowRelation> | undefined) {
    const { type, from, to, at, tries } = change;
    // Nothing happens to an account that does not exist.
    if (relation instanceof GatewayError && relation.code === 'USER_NOT_FOUND') return;
    const known = relation === undefined || relation instanceof GatewayError ? null : relation;
    const [there, back] = side === 'from' ? [isFollowing(known), isFan(known)] : [isFan(known), isFollowing(known)];
    if (known === null || there !== (type === 'followed')) return askAgain(change);
    // What was read since may have lacked the change, as the checks before this one did.
    if (tries > 0) await invalidate(change);
    // An own change is known only when the upstream has answered it, which may be after its webhook.
    if (own.consumeOwnChange(type, from, to, at)) return;
    await stream.append({ type, from, to, at, mutual: back });
    delayed.schedule([{ type: 'follow-changed', from, to }]);
  }

  function askAgain(change: Unconfirmed): void {
    const pauseMs = PAUSES_MS[change.tries];
    if (pauseMs === undefined) return;
    const again = { ...change, tries: change.tries + 1 };
    clock.sleep(pauseMs, closed.signal).then(
      () => confirm(again),
      () => {},
    );
  }

  function report(error: unknown): void {
    if (!closed.signal.aborted) onBug(error);
  }

  return {
    take(event) {
      const users = event.type === 'profile-changed' ? 1 : 1 + event.to.length;
      if (isTooMuch(users)) return 'dropped';
      if (isRepeated(event)) return 'duplicate';
      if (event.type === 'profile-changed') {
        takeProfile(event.userId, event.at).catch(report);
        return 'taken';
      }
      const { type, from, at } = event;
      cache.noteWebhook();
      const targets = event.to.filter((to) => !own.consumeOwnChange(type, from, to, at));
      if (targets.length === 0) return 'own';
      const changes = targets.map((to) => ({ type, from, to, at, tries: 0 }));
      Promise.all(changes.map(invalidate)).then(() => changes.forEach(confirm), report);
      return 'taken';
    },
    close: () => closed.abort(),
  };
}

/** Events have no ids; what they say has to do (upstream contract, 7.2). Without a time each is another one. */
function nameOf(event: WebhookEvent): string | null {
  if (event.eventTime === null) return null;
  const users = event.type === 'profile-changed' ? [event.userId] : [event.from, ...event.to.toSorted()];
  return createHash('sha256')
    .update([event.type, event.eventTime, ...users].join(' '))
    .digest('base64url');
}
