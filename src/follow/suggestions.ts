// "People you may know": those whom the viewer's follows follow.
import { GatewayError, outcomeOf } from '../errors.ts';
import { isFollowing } from './changes.ts';
import type { BlockRelation, FollowPage, FollowRelation, PageQuery, UserHandle, UserId } from './model.ts';
import { MAX_FOLLOWS, readMembers } from './select-members.ts';
import { isBlocking } from './writers.ts';

/** A user to follow, and the viewer's follows who follow that user, in their order. */
export type Suggestion = { readonly user: UserHandle; readonly via: readonly UserHandle[] };

/** Those with most in common first. `isComplete` is false when there were more lists, or more of a list, than was read. */
export type Suggestions = { readonly nodes: readonly Suggestion[]; readonly isComplete: boolean };

export type SuggestionSources = {
  page(query: PageQuery): FollowPage | Promise<FollowPage>;
  relation(from: UserId, to: UserId): FollowRelation | Promise<FollowRelation>;
  block(from: UserId, to: UserId): BlockRelation | Promise<BlockRelation>;
  /** Whether the viewer may see whom this user follows. */
  maySeeFollows(userId: UserId): boolean;
};

/** How many of the viewer's follows make a suggestion. */
const MIN_VIA = 2;

/** Finds at most `first` people whom `viewerId` neither follows nor blocks. */
export async function findSuggestions(
  viewerId: UserId,
  { page, relation, block, maySeeFollows }: SuggestionSources,
  { first, maxPages, pageSize }: { first: number; maxPages: number; pageSize: number },
): Promise<Suggestions> {
  let pagesLeft = maxPages;
  const readFollows = (userId: UserId, start: string, size: number) => {
    pagesLeft--;
    return page({ userId, list: 'follows', start, size });
  };
  const follows = await readMembers((start, size) => readFollows(viewerId, start, size), {
    maxMembers: MAX_FOLLOWS,
    // An upstream may send short pages: some are left for the lists of those who are found.
    maxPages: Math.ceil(maxPages / 2),
  });
  const visible = follows.members.filter(({ user }) => maySeeFollows(user.id));
  const asked = visible.slice(0, pagesLeft);
  const heads = await Promise.all(asked.map(({ user }) => outcomeOf(() => readFollows(user.id, '', pageSize))));
  if (heads.length > 0 && heads.every((head) => head instanceof GatewayError)) throw heads[0];

  const candidates = new Map<UserId, { user: UserHandle; via: UserHandle[] }>();
  for (const [n, head] of heads.entries()) {
    const via = { ...(asked[n]?.user as UserHandle), memberOf: { userId: viewerId, list: 'follows' } } as const;
    for (const { user } of head instanceof GatewayError ? [] : head.entries) {
      const candidate = candidates.get(user.id) ?? { user, via: [] };
      candidate.via.push(via);
      candidates.set(user.id, candidate);
    }
  }
  for (const { user } of follows.members) candidates.delete(user.id);
  candidates.delete(viewerId);
  const ranked = [...candidates.values()].filter(({ via }) => via.length >= MIN_VIA);
  ranked.sort((a, b) => b.via.length - a.via.length || (a.user.id < b.user.id ? -1 : 1));

  const isWelcome = async ({ user: { id } }: Suggestion) =>
    !isBlocking(await block(viewerId, id)) && (follows.isComplete || !isFollowing(await relation(viewerId, id)));
  const nodes: Suggestion[] = [];
  for (let at = 0; nodes.length < first && at < ranked.length; at += first) {
    const some = ranked.slice(at, at + first);
    const welcome = await Promise.all(some.map(isWelcome));
    nodes.push(...some.filter((_, n) => welcome[n]));
  }
  const isWhole = (head: FollowPage | GatewayError) => !(head instanceof GatewayError) && head.next === '';
  const isComplete = follows.isComplete && asked.length === visible.length && heads.every(isWhole);
  return { nodes: nodes.slice(0, first), isComplete };
}
