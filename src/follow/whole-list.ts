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

/** Reads on until the list ends, or a cursor leads back. */
export async function* readPages<E extends FollowEntry>(readPage: ReadPage<E>, headSize = MAX_PAGE_SIZE) {
  const visited = new Set<string>();
  // The cursor behind the last page is the head's.
  for (let [start, size] = ['', headSize]; !visited.has(start); size = MAX_PAGE_SIZE) {
    const page = await readPage(start, size);
    yield page;
    visited.add(start);
    start = page.next;
  }
}

/** Reads members from the head on. `isComplete` is false when there are some that were not read. */
export async function readMembers<E extends FollowEntry>(
  readPage: ReadPage<E>,
  { maxMembers, maxPages, headSize, isWanted = () => true }: MembersRequest<E>,
): Promise<{ members: readonly E[]; isComplete: boolean }> {
  const found = new Map<UserId, E>();
  let [pages, isComplete] = [0, false];
  for await (const { entries, next } of readPages(readPage, headSize)) {
    const wanted = entries.filter(isWanted);
    // An upstream that counts positions repeats members when new ones push them over a page's edge.
    for (const entry of wanted) if (!found.has(entry.user.id)) found.set(entry.user.id, entry);
    isComplete = next === '' || wanted.length < entries.length;
    if (isComplete || ++pages >= maxPages || found.size >= maxMembers) break;
  }
  return { members: [...found.values()].slice(0, maxMembers), isComplete: isComplete && found.size <= maxMembers };
}
