// What is known to have happened to the follow graph, as replicas tell each other: the entries of the change log.
import type { FollowCounts, FollowRelation, UserId } from './model.ts';

/** What somebody asks for; a `FollowChange` is what has come of it. */
export type ChangeKind = 'follow' | 'unfollow';

/** Times are epoch milliseconds. */
export type FollowChange = {
  type: 'followed' | 'unfollowed';
  /** Who began, or ceased, to follow `to`. */
  from: UserId;
  to: UserId;
  at: number;
  /** Whether `to` follows `from`: the two became mutuals, or ceased to be. */
  mutual: boolean;
  /** Only on this gateway's own changes. */
  own?: OwnChange;
};

export type OwnChange = {
  /** When the upstream was first asked for it: it was done between then and `at`. */
  began: number;
  /** False when it was so before. */
  isNews: boolean;
  /** Both users' counts as the upstream still shows them, without the change; null where it is not behind. */
  behind: { from: FollowCounts; to: FollowCounts | null } | null;
};

export type Change = FollowChange | { type: 'profile-changed'; userId: UserId; at: number };

/** Whether the one whose point of view it is follows the other. */
export const isFollowing = (relation: FollowRelation | null): boolean =>
  relation === 'FOLLOWING' || relation === 'MUTUAL';

/** Whether the other one follows the one whose point of view it is. */
export const isFan = (relation: FollowRelation | null): boolean => relation === 'FAN' || relation === 'MUTUAL';

/** A user's counts after a change of one follow, for the one `from` whom it goes or the one whom it goes `to`. */
export function countsAfter(
  counts: FollowCounts,
  side: 'from' | 'to',
  { type, mutual }: Pick<FollowChange, 'type' | 'mutual'>,
): FollowCounts {
  const step = type === 'followed' ? 1 : -1;
  const list = side === 'from' ? 'follows' : 'fans';
  const mutuals = mutual ? counts.mutuals + step : counts.mutuals;
  return { ...counts, [list]: Math.max(0, counts[list] + step), mutuals: Math.max(0, mutuals) };
}

/** Reads a change that came from outside this process; undefined when it is none. */
export function readChange(value: unknown): Change | undefined {
  if (!isRecord(value)) return undefined;
  const { type, from, to, at, mutual, own, userId } = value;
  if (typeof at !== 'number') return undefined;
  if (type === 'profile-changed') return typeof userId === 'string' ? { type, userId, at } : undefined;
  if (type !== 'followed' && type !== 'unfollowed') return undefined;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof mutual !== 'boolean') return undefined;
  const change = { type, from, to, at, mutual } as const;
  return isRecord(own) ? { ...change, own: readOwn(own, at) } : change;
}

function readOwn({ began, isNews, behind }: Record<string, unknown>, at: number): OwnChange {
  const from = isRecord(behind) ? readCounts(behind.from) : null;
  return {
    began: typeof began === 'number' ? began : at,
    isNews: isNews !== false,
    behind: from && { from, to: isRecord(behind) ? readCounts(behind.to) : null },
  };
}

function readCounts(value: unknown): FollowCounts | null {
  if (!isRecord(value)) return null;
  const { fans, follows, mutuals } = value;
  const isCount = (count: unknown): count is number => Number.isSafeInteger(count);
  return isCount(fans) && isCount(follows) && isCount(mutuals) ? { fans, follows, mutuals } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
