// What is known to have happened to the follow graph, as replicas tell each other: the entries of the change log.
import type { FollowCounts, UserId } from './model.ts';

/** Times are epoch milliseconds. */
export type Change =
  | {
      type: 'followed' | 'unfollowed';
      /** Who began, or ceased, to follow `to`. */
      from: UserId;
      to: UserId;
      at: number;
      /** Whether `to` follows `from`: the two became mutuals, or ceased to be. */
      mutual: boolean;
      /** Only on this gateway's own changes: both users' counts just before, null where they are unknown. */
      before?: { from: FollowCounts | null; to: FollowCounts | null };
      /** The upstream's webhook was faster: subscribers have been told by an entry before this one. */
      isTold?: boolean;
    }
  | { type: 'profile-changed'; userId: UserId; at: number };

export type FollowChange = Extract<Change, { from: UserId }>;

/** What somebody asks for; a `FollowChange` is what has come of it. */
export type ChangeKind = 'follow' | 'unfollow';

/** A user's counts after a change of one follow, for the one `from` whom it goes or the one whom it goes `to`. */
export function countsAfter(
  counts: FollowCounts,
  side: 'from' | 'to',
  kind: ChangeKind,
  mutual: boolean,
): FollowCounts {
  const step = kind === 'follow' ? 1 : -1;
  const list = side === 'from' ? 'follows' : 'fans';
  const mutuals = mutual ? counts.mutuals + step : counts.mutuals;
  return { ...counts, [list]: Math.max(0, counts[list] + step), mutuals: Math.max(0, mutuals) };
}

/** Reads a change that came from outside this process; undefined when it is none. */
export function readChange(value: unknown): Change | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, from, to, at, mutual, before, isTold, userId } = value as Record<string, unknown>;
  if (typeof at !== 'number') return undefined;
  if (type === 'profile-changed') return typeof userId === 'string' ? { type, userId, at } : undefined;
  if (type !== 'followed' && type !== 'unfollowed') return undefined;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof mutual !== 'boolean') return undefined;
  if (before === undefined) return { type, from, to, at, mutual };
  if (typeof before !== 'object' || before === null) return undefined;
  const counts = before as { from?: unknown; to?: unknown };
  const known = { from: readCounts(counts.from), to: readCounts(counts.to) };
  return { type, from, to, at, mutual, before: known, isTold: isTold === true };
}

function readCounts(value: unknown): FollowCounts | null {
  if (typeof value !== 'object' || value === null) return null;
  const { fans, follows, mutuals } = value as Record<string, unknown>;
  const isCounts = [fans, follows, mutuals].every((count) => Number.isSafeInteger(count));
  return isCounts ? (value as FollowCounts) : null;
}
