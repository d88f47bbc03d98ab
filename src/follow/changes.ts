// What is known to have happened to the follow graph: the entries of the change stream.
import { z } from 'zod';
import { createBoundedMap } from '../cache/bounded-map.ts';
import type { FollowRelation } from './model.ts';

/** What a viewer asks for; a `FollowChange` is what came of it. */
export type ChangeKind = 'follow' | 'unfollow' | 'removeFans';

const FOLLOW_CHANGE = z.object({
  type: z.enum(['followed', 'unfollowed']),
  /** The user who began, or ceased, to follow `to`. */
  from: z.string(),
  to: z.string(),
  /** Epoch milliseconds. */
  at: z.number(),
  /** Whether `to` follows `from`: the two became mutuals, or ceased to be. */
  mutual: z.boolean(),
  /**
   * Only on changes that this gateway made: the upstream was first asked at `startedAt` and did it before `at`.
   * `isNew` is false when it was so before, and null when that is not known: the upstream's webhook tells subscribers.
   */
  own: z.object({ startedAt: z.number(), isNew: z.boolean().nullable() }).optional(),
});
const PROFILE_CHANGE = z.object({
  type: z.literal('profile-changed'),
  userId: z.string(),
  at: z.number(),
  /** On changes that this gateway made, which a webhook may report as well. */
  isOwn: z.boolean().optional(),
});
const CHANGE = z.union([FOLLOW_CHANGE, PROFILE_CHANGE]);

export type FollowChange = z.infer<typeof FOLLOW_CHANGE>;
export type Change = z.infer<typeof CHANGE>;

/** A change as this replica has heard it; `isRepeated` when subscribers know it already. */
export type HeardChange = Change & { readonly isRepeated?: boolean };

/** The same change again within this time, or from before, is a repetition: a user who comes back has left in between. */
const REPEAT_MS = 120_000;
/** The webhook of an own change of a profile has a time this near to it, in milliseconds. */
const ECHO_MS = 5000;
const MAX_PAIRS = 20_000;

/**
 * Reads entries of the change stream; undefined for what is no change. A change may come twice, from this gateway and
 * from the upstream's webhook, in either order, or from a webhook that is delivered again (CONTRACT 7.2); and whether two
 * users follow each other by now shows only in both their changes. The order of entries is the same on every replica, so
 * that all judge alike.
 */
export function createChangeReader(): (value: unknown) => HeardChange | undefined {
  const pairs = createBoundedMap<string, { type: Change['type']; at: number }>(MAX_PAIRS);
  const profiles = createBoundedMap<string, { at: number; isOwn: boolean }>(MAX_PAIRS);
  const near = (at: number, other: { at: number } | undefined): boolean =>
    other !== undefined && Math.abs(at - other.at) <= REPEAT_MS;

  return (value) => {
    const change = CHANGE.safeParse(value).data;
    if (change?.type === 'profile-changed') {
      const { userId, at, isOwn = false } = change;
      const last = profiles.get(userId);
      profiles.set(userId, { at: Math.max(at, last?.at ?? at), isOwn });
      const echoMs = last?.isOwn === isOwn ? 0 : ECHO_MS;
      return { ...change, isRepeated: last !== undefined && at - last.at <= echoMs };
    }
    if (!change) return undefined;
    const { type, from, to, at, own } = change;
    const last = pairs.get(`${from} ${to}`);
    const isKnown = last?.type === type && at - last.at <= REPEAT_MS;
    if (!isKnown && own?.isNew !== null) pairs.set(`${from} ${to}`, { type, at });
    const reverse = pairs.get(`${to} ${from}`);
    const mutual = near(at, reverse) ? reverse?.type === 'followed' : change.mutual;
    return { ...change, mutual, isRepeated: isKnown || (own && !own.isNew) };
  };
}

/** Whether the user whose point of view it is follows the other. */
export const isFollowing = (relation: FollowRelation | null): boolean =>
  relation === 'FOLLOWING' || relation === 'MUTUAL';

/** Whether the other user follows the one whose point of view it is. */
export const isFan = (relation: FollowRelation | null): boolean => relation === 'FAN' || relation === 'MUTUAL';

export function relationOf(follows: boolean, isFollowed: boolean): FollowRelation {
  if (follows) return isFollowed ? 'MUTUAL' : 'FOLLOWING';
  return isFollowed ? 'FAN' : 'NONE';
}
