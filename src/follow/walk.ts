// Slices `first` members after a position out of the upstream's pages, although the list may have changed since the
// client has seen that position.
import { GatewayError } from '../errors.ts';
import type { FollowEntry, UserId } from './model.ts';
import { andThen } from './services.ts';

/** An upstream page, its entries in whatever finished shape the caller wants them back. */
export type Page<E extends FollowEntry> = { readonly entries: readonly E[]; readonly next: string };

/** Reads one page of the list that is walked: at once when memory has it, else by a promise. */
export type ReadPage<E extends FollowEntry> = (start: string, size: number) => Page<E> | Promise<Page<E>>;

/** A member as a cursor names it: the upstream page it came from, its index there, and who it was, since when. */
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

export type WalkRequest = {
  /** How many members are wanted; 0 is legal. */
  first: number;
  /** The member after which to go on; null for the head of the list. */
  after: CursorPosition | null;
  /** The upstream page size that client pages are sliced from. */
  chunkSize: number;
};

export type Slice<E extends FollowEntry> = { entries: E[]; hasNextPage: boolean };

/** How many further pages a member is looked for that new followers have pushed down. */
const SEARCH_PAGES = 5;
/** The upstream's largest page (CONTRACT 4.1). A search reads such: 5,000 newcomers between two client pages are bridged. */
export const MAX_PAGE_SIZE = 1000;
/** How many pages one slice may take from an upstream that sends short ones; the client goes on from what it got. */
const PAGES_PER_SLICE = 20;

/**
 * Reads a slice of a list. When memory has the first page and it suffices, the answer is there at once, without a
 * promise. `hasNextPage` is never false while members remain; only an upstream that promises a page which turns out
 * empty can make it true in vain.
 */
export function readSlice<E extends FollowEntry>(
  readPage: ReadPage<E>,
  request: WalkRequest,
): Slice<E> | Promise<Slice<E>> {
  const { after, first, chunkSize } = request;
  const opened = after ? readPage(after.start, after.size) : readPage('', upstreamPageSize(first, chunkSize));
  return andThen(opened, (page): Slice<E> | Promise<Slice<E>> => {
    const from = after ? indexAfter(page.entries, after) : 0;
    if (after && typeof from !== 'number')
      return search(readPage, after, page).then((opening) => walk(readPage, request, opening));
    const opening = { page, from: from as number };
    const to = opening.from + first;
    if (to > page.entries.length && page.next !== '') return walk(readPage, request, opening);
    return { entries: page.entries.slice(opening.from, to), hasNextPage: page.next !== '' || to < page.entries.length };
  });
}

/** An upstream page that was read, and the index in it at which a slice begins. */
type Opening<E extends FollowEntry> = { page: Page<E>; from: number };

/** Takes members from `opening` on, page after page, until there are enough. */
async function walk<E extends FollowEntry>(
  readPage: ReadPage<E>,
  { first, chunkSize }: WalkRequest,
  opening: Opening<E>,
): Promise<Slice<E>> {
  const { entries } = opening.page;
  const taken = entries.slice(opening.from, opening.from + first);
  let remaining = entries.length - opening.from - taken.length;
  let { next } = opening.page;
  // An upstream that counts positions repeats members when new ones push them over a page's edge.
  const seen = new Set(entries.map(({ user }) => user.id));
  const visited = new Set<string>();

  while (taken.length < first && next !== '' && visited.size < PAGES_PER_SLICE) {
    if (visited.has(next))
      throw new GatewayError('UPSTREAM_UNAVAILABLE', 'The upstream repeats its cursor; the list cannot be read on.');
    visited.add(next);
    const page = await readPage(next, upstreamPageSize(first, chunkSize));
    const unseen = page.entries.filter(({ user }) => !seen.has(user.id));
    for (const entry of unseen) seen.add(entry.user.id);
    const wanted = unseen.slice(0, first - taken.length);
    taken.push(...wanted);
    remaining = unseen.length - wanted.length;
    next = page.next;
  }
  return { entries: taken, hasNextPage: next !== '' || remaining > 0 };
}

/** Finds where the list goes on after a member that is no longer on `origin`, the page that its cursor names. */
async function search<E extends FollowEntry>(
  readPage: ReadPage<E>,
  after: CursorPosition,
  origin: Page<E>,
): Promise<Opening<E>> {
  let page = origin;
  let isOrdered = indexAfter(origin.entries, after) === 'later';
  for (let pages = 0; pages < SEARCH_PAGES && page.next !== ''; pages++) {
    page = await readPage(page.next, MAX_PAGE_SIZE);
    const from = indexAfter(page.entries, after);
    if (typeof from === 'number') return { page, from };
    isOrdered &&= from === 'later';
  }
  // Every member that is left is newer than the cursor's: the list ends where the cursor stood.
  if (isOrdered && page.next === '') return { page, from: page.entries.length };
  // The position that the cursor stored may repeat members, but skips none that stayed where they were.
  return { page: origin, from: Math.min(after.index, origin.entries.length) };
}

/** Whole chunks, so that client pages of many sizes share the same few upstream pages, and one call fills one. */
function upstreamPageSize(first: number, chunkSize: number): number {
  return Math.min(MAX_PAGE_SIZE, Math.max(1, Math.ceil(first / chunkSize)) * chunkSize);
}

/**
 * The index in `entries` at which the list goes on after the member at `position`; `later` when all entries are newer
 * than the member, so that new followers have pushed it to a later page; `unknown` when the page cannot tell.
 *
 * A member that is gone, or that left and came back, is replaced by its follow time: the list goes on at the first
 * entry that sorts after it. The upstream's order is not documented (CONTRACT U3), so it is read off the page.
 */
function indexAfter(entries: readonly FollowEntry[], position: CursorPosition): number | 'later' | 'unknown' {
  const found = entries.findIndex(
    ({ user, followedAt }) => user.id === position.userId && followedAt === position.followedAt,
  );
  if (found >= 0) return found + 1;
  if (!isNewestFirst(entries)) return 'unknown';

  const sameTime = entries.findIndex(({ followedAt }) => followedAt <= position.followedAt);
  if (sameTime < 0) return 'later';
  const older = entries.findIndex(({ followedAt }) => followedAt < position.followedAt);
  const ties = entries.slice(sameTime, older < 0 ? entries.length : older);
  const after = sameTime + countTiesBefore(ties, position, sameTime);
  return after === entries.length ? 'later' : after;
}

/** How many of `ties`, members with the very follow time of `position`, come before it. */
function countTiesBefore(ties: readonly FollowEntry[], position: CursorPosition, offset: number): number {
  const ascending = ties.every(({ user }, i) => i === 0 || (ties[i - 1] as FollowEntry).user.id < user.id);
  if (ascending) return ties.filter(({ user }) => user.id < position.userId).length;
  return Math.min(Math.max(position.index - offset, 0), ties.length);
}

function isNewestFirst(entries: readonly FollowEntry[]): boolean {
  return entries.every(({ followedAt }, i) => i === 0 || followedAt <= (entries[i - 1] as FollowEntry).followedAt);
}
