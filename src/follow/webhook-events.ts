// Takes webhook events: invalidates at once what they name, and passes on to subscribers what the upstream confirms. Their
// signature covers no body (CONTRACT 7.3), so nothing is believed of an event itself, and a flood of them is dropped.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Span } from '../span.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { FollowChange, HeardChange } from './changes.ts';
import { type ConfirmationOptions, createChangeConfirmation } from './confirm-change.ts';
import type { UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';

/** What a webhook says has happened. `at` is epoch milliseconds. */
export type WebhookEvent = { at: number } & (
  | { type: FollowChange['type']; from: UserId; to: readonly UserId[] }
  | { type: 'profile-changed'; userId: UserId }
  | { type: 'presence-changed'; userId: UserId }
  | { type: 'blocks-changed'; pairs: readonly { from: UserId; to: UserId }[] }
);

/** What became of an event; a `dropped` one changed nothing. */
export type WebhookOutcome = 'taken' | 'own' | 'dropped';

export type WebhookEvents = ReturnType<typeof createWebhookEvents>;

export type WebhookEventsOptions = ConfirmationOptions & {
  cache: CachedFollowService;
  own: Pick<OwnChanges, 'consumeOwnChange'>;
  stream: Pick<ChangeStream<HeardChange>, 'append'>;
  /** Called when events begin to be dropped, and when they are taken again. */
  onFlood(isFlood: boolean): void;
};

/** An app's own events name no more users than this in one second, on each replica; more is taken for a flood. */
const USERS_PER_SECOND = 100;
/** The number of blocks that count as one of these users. */
const PAIRS_PER_USER = 50;
/** A flood ends, and webhooks lengthen fresh times again, when it has been quiet for this long, in milliseconds. */
const FLOOD_MS = 60_000;
/** How often a flood that goes on is prolonged on all replicas, in milliseconds. */
const PROLONG_EVERY_MS = 10_000;
/** How long changes of presence are gathered, in milliseconds, and how many; further ones show when their entries are old. */
const GATHER_MS = 200;
const MAX_GATHERED = 2000;

export function createWebhookEvents(options: WebhookEventsOptions) {
  const { cache, own, stream, clock, onFlood, onBug } = options;
  const gathered = new Set<UserId>();
  const closed = new AbortController();
  const recent = { second: 0, users: 0 };
  let floodUntil = Number.NEGATIVE_INFINITY;
  let isFlood = false;
  const confirmation = createChangeConfirmation(options, closed.signal, async (change, isLate) => {
    const { type, from, to, at } = change;
    if (isLate) await cache.invalidate([{ type: 'follow-changed', from, to }]);
    // An own change is known only when the upstream has answered it, which may be after its webhook.
    if (!own.consumeOwnChange(type, from, to, at)) await stream.append(change);
  });

  /** Whether an event that names this number of users is one too many. */
  function isTooMuch(users: number): boolean {
    const now = clock.monotonicMs();
    const second = Math.floor(now / 1000);
    recent.users = users + (second === recent.second ? recent.users : 0);
    recent.second = second;
    if (recent.users > USERS_PER_SECOND && floodUntil < now + FLOOD_MS - PROLONG_EVERY_MS) {
      floodUntil = now + FLOOD_MS;
      confirmation.clear();
      // Events that matter may be among those that are dropped.
      cache.withdrawWebhooks(FLOOD_MS + PROLONG_EVERY_MS);
    }
    const isNow = now < floodUntil;
    if (isNow !== isFlood) onFlood(isNow);
    isFlood = isNow;
    return isNow;
  }

  /** A presence is read again when a client asks for it. Logins are many, so replicas hear of them in bulk. */
  function notePresence(userId: UserId): void {
    const pass = () => {
      cache.invalidatePresences([...gathered]);
      gathered.clear();
    };
    if (gathered.size === 0) clock.sleep(GATHER_MS, closed.signal).then(pass, () => {});
    if (gathered.size < MAX_GATHERED) gathered.add(userId);
  }

  return {
    /** Takes an event and answers at once; what it asks for is done later. */
    take(event: WebhookEvent, span: Span): WebhookOutcome {
      if (event.type === 'presence-changed') {
        notePresence(event.userId);
        return 'taken';
      }
      if (isTooMuch(usersOf(event))) return 'dropped';
      if ('pairs' in event) {
        cache.invalidate(event.pairs.map((pair) => ({ type: 'block-changed', ...pair }))).catch(onBug);
        return 'taken';
      }
      if ('userId' in event) {
        const tell = () => stream.append(event);
        cache.invalidate([event]).then(tell).catch(onBug);
        return 'taken';
      }
      const { type, from, at } = event;
      cache.noteWebhook();
      const targets = event.to.filter((to) => !own.consumeOwnChange(type, from, to, at));
      if (targets.length === 0) return 'own';
      const confirm = () => {
        for (const to of targets) confirmation.confirm({ type, from, to, at, span });
      };
      cache.invalidate(targets.map((to) => ({ type: 'follow-changed', from, to }))).then(confirm, onBug);
      return 'taken';
    },
    settle: confirmation.settle,
    close: () => closed.abort(),
  };
}

/** How many users an event names. A block ends in nothing but invalidations, and one webhook may tell of a thousand. */
function usersOf(event: WebhookEvent): number {
  if ('pairs' in event) return Math.ceil(event.pairs.length / PAIRS_PER_USER);
  return 'userId' in event ? 1 : 1 + event.to.length;
}
