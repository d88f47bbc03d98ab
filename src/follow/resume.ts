// Where a list goes on after a member that a client has seen, although the list may have changed since.
import type { FollowEntry, UserId } from './model.ts';

/** A member as a cursor names it: the upstream page it came from, its place there, and who it was, since when. */
export type CursorPosition = {
  /** The upstream's cursor of the page, `''` for the head of the list. */
  start: string;
  /** The size with which that page was asked for. */
  size: number;
  /** The member's index in the page. */
  index: number;
  userId: UserId;
  /** Unix seconds. */
  followedAt: number;
};

/**
 * The index in `entries` at which the list goes on after the member at `place`; `later` when everything here is newer
 * than the member, so that new followers have pushed its place to a later page; `unknown` when the page cannot tell.
 *
 * A member that is gone, or that left and came back, is replaced by its follow time: the list goes on at the first
 * entry that sorts after it. The upstream's order is not documented (CONTRACT U3), so it is read off the page.
 */
export function indexAfter(entries: readonly FollowEntry[], place: CursorPosition): number | 'later' | 'unknown' {
  const found = entries.findIndex(
    ({ user, followedAt }) => user.id === place.userId && followedAt === place.followedAt,
  );
  if (found >= 0) return found + 1;
  if (!isNewestFirst(entries)) return 'unknown';

  const sameTime = entries.findIndex(({ followedAt }) => followedAt <= place.followedAt);
  if (sameTime < 0) return 'later';
  const older = entries.findIndex(({ followedAt }) => followedAt < place.followedAt);
  const ties = entries.slice(sameTime, older < 0 ? entries.length : older);
  const after = sameTime + placeAmongTies(ties, place, sameTime);
  return after === entries.length ? 'later' : after;
}

/** How many of `ties`, members with the very follow time of `place`, come before it. */
function placeAmongTies(ties: readonly FollowEntry[], place: CursorPosition, offset: number): number {
  const ascending = ties.every(({ user }, i) => i === 0 || (ties[i - 1] as FollowEntry).user.id < user.id);
  if (ascending) return ties.filter(({ user }) => user.id < place.userId).length;
  return Math.min(Math.max(place.index - offset, 0), ties.length);
}

function isNewestFirst(entries: readonly FollowEntry[]): boolean {
  return entries.every(({ followedAt }, i) => i === 0 || followedAt <= (entries[i - 1] as FollowEntry).followedAt);
}
