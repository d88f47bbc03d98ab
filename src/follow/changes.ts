// What is known to have happened to the follow graph: the entries of the change stream.
import { z } from 'zod';
import type { FollowRelation } from './model.ts';

/** What a viewer asks for; a `FollowChange` is what came of it. */
export type ChangeKind = 'follow' | 'unfollow';

const FOLLOW_CHANGE = z.object({
  type: z.enum(['followed', 'unfollowed']),
  /** Who began, or ceased, to follow `to`. */
  from: z.string(),
  to: z.string(),
  /** Epoch milliseconds. */
  at: z.number(),
  /** Whether `to` follows `from`: the two became mutuals, or ceased to be. */
  mutual: z.boolean(),
  /**
   * Only on changes that this gateway made: the upstream was first asked at `startedAt` and did it before `at`.
   * `isNew` is false when it was so before.
   */
  own: z.object({ startedAt: z.number(), isNew: z.boolean() }).optional(),
});
const PROFILE_CHANGE = z.object({ type: z.literal('profile-changed'), userId: z.string(), at: z.number() });
const CHANGE = z.union([FOLLOW_CHANGE, PROFILE_CHANGE]);

export type FollowChange = z.infer<typeof FOLLOW_CHANGE>;
export type Change = z.infer<typeof CHANGE>;

/** Reads a change that came from outside this process; undefined when it is none. */
export const readChange = (value: unknown): Change | undefined => CHANGE.safeParse(value).data;

/** Whether the one whose point of view it is follows the other. */
export const isFollowing = (relation: FollowRelation | null): boolean =>
  relation === 'FOLLOWING' || relation === 'MUTUAL';

/** Whether the other one follows the one whose point of view it is. */
export const isFan = (relation: FollowRelation | null): boolean => relation === 'FAN' || relation === 'MUTUAL';

export function relationOf(follows: boolean, isFollowed: boolean): FollowRelation {
  if (follows) return isFollowed ? 'MUTUAL' : 'FOLLOWING';
  return isFollowed ? 'FAN' : 'NONE';
}
