// Reads a list from its head on by large pages, for what needs more than a page of it: search, order, both directions.
import type { FollowEntry, UserId } from './model.ts';
import { MAX_PAGE_SIZE, type ReadPage } from './walk.ts';

/** No user follows more people (CONTRACT U18). */
export const MAX_FOLLOWS = 5000;

export type MembersRequest<E> = {
  /** Where to stop. */
  maxMembers: number;
  maxPages: number;
  /** The size of the first page. Other readers share the pages of a size. */
  headSize?: number;
  /** The list is taken to end where a member is not wanted. */
  isWanted?: (member: E) => boolean;
};

/** `isComplete` is false when there are members that were not read. */
export type Members<E> = { readonly members: readonly E[]; readonly isComplete: boolean };

export async function readMembers<E extends FollowEntry>(
  readPage: ReadPage<E>,
  { maxMembers, maxPages, headSize = MAX_PAGE_SIZE, isWanted = () => true }: MembersRequest<E>,
): Promise<Members<E>> {
  const found = new Map<UserId, E>();
  let [start, isComplete] = ['', false];
  for (let pages = 0; !isComplete && pages < maxPages && found.size < maxMembers; pages++) {
    const { entries, next } = await readPage(start, pages === 0 ? headSize : MAX_PAGE_SIZE);
    const wanted = entries.filter(isWanted);
    // An upstream that counts positions repeats members when new ones push them over a page's edge.
    for (const entry of wanted) if (!found.has(entry.user.id)) found.set(entry.user.id, entry);
    isComplete = next === '' || wanted.length < entries.length;
    start = next;
  }
  return { members: [...found.values()].slice(0, maxMembers), isComplete: isComplete && found.size <= maxMembers };
}
