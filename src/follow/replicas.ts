// What replicas tell each other through Redis: which groups are invalid, and that webhooks arrive. Both go one way, so that
// a replica that cannot hear of invalidations does not believe that it hears of changes either.
import { z } from 'zod';
import { parseJson, type RedisLink } from '../cache/redis-link.ts';
import { CACHE_KINDS } from './caches.ts';
import type { Group } from './invalidation.ts';

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

/** Joins the replicas; `name` tells this one from the others. Publishing resolves with whether Redis took it. */
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
