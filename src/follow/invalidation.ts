// What to invalidate when something happened to the follow graph, and how replicas tell each other.
import { z } from 'zod';
import type { RedisLink } from '../cache/redis-link.ts';
import { parseJson } from '../json.ts';
import { CACHE_KINDS, type CacheKind, pageGroup, relationKey } from './caches.ts';
import type { FollowList, UserId } from './model.ts';

/** Something happened that makes cached entries wrong. */
export type DomainEvent =
  | { type: 'follow-changed' | 'block-changed'; from: UserId; to: UserId }
  | { type: 'profile-changed'; userId: UserId }
  /** Anything may have happened to this user: an operator says so. */
  | { type: 'user-changed'; userId: UserId };

/** Entries that are invalidated together. */
export type Group = { kind: CacheKind; group: string };

export const groups = (kind: CacheKind, ...names: readonly string[]): Group[] =>
  names.map((group) => ({ kind, group }));

const pages = (userId: UserId, ...lists: readonly FollowList[]): Group[] =>
  groups('page', ...lists.map((list) => pageGroup(userId, list)));

export function groupsOf(event: DomainEvent): Group[] {
  if ('userId' in event) {
    const { type, userId } = event;
    if (type === 'profile-changed') return groups('profile', userId);
    const others = (['counts', 'profile', 'blocked', 'presence'] as const).flatMap((kind) => groups(kind, userId));
    return [...pages(userId, 'fans', 'follows', 'mutuals'), ...others];
  }
  const { type, from, to } = event;
  const relations = [relationKey(from, to), relationKey(to, from)];
  if (type === 'block-changed') return [...groups('block', ...relations), ...groups('blocked', from)];
  return [
    ...pages(from, 'follows', 'mutuals'),
    ...pages(to, 'fans', 'mutuals'),
    ...groups('counts', from, to),
    ...groups('relation', ...relations),
  ];
}

export type ReplicasListener = {
  onInvalid(group: Group): void;
  /** A replica has received a webhook, and has done so without a pause since `since` (epoch milliseconds). */
  onWebhooks(since: number): void;
  /** Messages may have been lost; or, where all is invalid, nothing counts of what was known. */
  onGap(isAllInvalid: boolean): void;
};

/** Where replicas tell each other what is invalid. */
export const invalidationChannel = (prefix: string): string => `${prefix}:invalidation`;

/** The message that clears the memory of all replicas. */
export const ALL_INVALID = JSON.stringify({ type: 'all' });

/** The message that makes groups invalid on all replicas. `from` has done so already. */
export const writeInvalid = (groups: readonly Group[], from = ''): string =>
  JSON.stringify({ type: 'groups', groups, from });

const MESSAGE = z.discriminatedUnion('type', [
  z.object({ type: z.literal('all') }),
  z.object({ type: z.literal('webhooks'), since: z.number() }),
  z.object({
    type: z.literal('groups'),
    groups: z.array(z.object({ kind: z.enum(CACHE_KINDS), group: z.string() })),
    from: z.string(),
  }),
]);

/**
 * Joins the replicas; `name` tells this one from the others. Publishing resolves with whether Redis took it. Both kinds of
 * messages go one way: a replica that cannot hear of invalidations must not believe that it hears of webhooks.
 */
export function joinReplicas(link: RedisLink, prefix: string, name: string, listener: ReplicasListener) {
  const channel = invalidationChannel(prefix);
  link.subscribe(channel, hear, () => listener.onGap(false));

  function hear(text: string): void {
    const message = MESSAGE.safeParse(parseJson(text)).data;
    if (message?.type === 'all') listener.onGap(true);
    if (message?.type === 'webhooks') listener.onWebhooks(message.since);
    if (message?.type === 'groups' && message.from !== name)
      for (const group of message.groups) listener.onInvalid(group);
  }

  return {
    publishInvalid: (groups: readonly Group[]) => link.publish(channel, writeInvalid(groups, name)),
    /** Tells all replicas, this one included. */
    publishWebhooks: (since: number) => link.publish(channel, JSON.stringify({ type: 'webhooks', since })),
  };
}
