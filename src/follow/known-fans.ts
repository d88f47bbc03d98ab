// Those of a user's fans whom the viewer follows: "followed by someone you know and 3 others". Two lists meet: the
// viewer's follows, at most a few thousand, and the user's fans, of whom there may be millions.
import { GatewayError, outcomeOf } from '../errors.ts';
import { isFan } from './changes.ts';
import { type FollowCounts, type FollowEntry, PER_CALL, type UserId } from './model.ts';
import { MAX_FOLLOWS, readMembers } from './select-members.ts';
import { valueOrNull } from './services.ts';
import type { SuggestionSources } from './suggestions.ts';
import { MAX_PAGE_SIZE, type ReadPage } from './walk.ts';

export type KnownFans = {
  /** In the order of the viewer's follows. */
  readonly members: readonly FollowEntry[];
  /** False when there may be more: finding them all would take too many upstream calls, or some of them failed. */
  readonly exact: boolean;
};

export type KnownFansSources = Pick<SuggestionSources, 'page' | 'relation'> & {
  counts(userId: UserId): FollowCounts | Promise<FollowCounts>;
};

/** The most upstream calls that one answer may take; one that is answered from a cache counts too. */
export const KNOWN_FANS_MAX_CALLS = 10;

/** Finds the known fans of `userId`, as far as the calls suffice. Rejects when nothing at all could be found out. */
export async function findKnownFans(viewerId: UserId, userId: UserId, sources: KnownFansSources): Promise<KnownFans> {
  let callsLeft = KNOWN_FANS_MAX_CALLS;
  const readFollows: ReadPage<FollowEntry> = async (start, size) => {
    callsLeft--;
    const page = await outcomeOf(() => sources.page({ userId: viewerId, list: 'follows', start, size }));
    if (!(page instanceof GatewayError)) return page;
    if (start === '') throw page;
    // The follows before it are of use: a cursor that leads back ends the list as one that is not complete.
    return { entries: [], next: start };
  };
  const maxPages = MAX_FOLLOWS / MAX_PAGE_SIZE;
  const follows = await readMembers(readFollows, { maxMembers: MAX_FOLLOWS, maxPages });
  // No user is their own fan.
  const others = follows.members.map(({ user }) => user.id).filter((id) => id !== userId);
  const { fans, isComplete } = await findFans(userId, others, callsLeft, sources);
  return {
    members: follows.members.filter(({ user }) => fans.has(user.id)),
    exact: follows.isComplete && isComplete,
  };
}

/** Who of `others` are fans of `userId`: some are left out when that takes more than `callsLeft`, or calls fail. */
async function findFans(userId: UserId, others: readonly UserId[], callsLeft: number, sources: KnownFansSources) {
  const fans = new Set<UserId>();
  const undecided = new Set(others);
  let failure: GatewayError | null = null;

  if (undecided.size > PER_CALL.relations) {
    callsLeft--;
    // Most users have few fans, so that one page, which all viewers share, holds them all.
    const head = await outcomeOf(() => sources.page({ userId, list: 'fans', start: '', size: MAX_PAGE_SIZE }));
    if (head instanceof GatewayError) {
      if (head.code === 'USER_NOT_FOUND') throw head;
      failure = head;
    } else {
      for (const { user } of head.entries) if (undecided.delete(user.id)) fans.add(user.id);
      if (head.next === '') undecided.clear();
    }
  }

  const checked = [...undecided].slice(0, callsLeft * PER_CALL.relations);
  callsLeft -= Math.ceil(checked.length / PER_CALL.relations);
  const relations = await Promise.all(checked.map((id) => outcomeOf(() => sources.relation(userId, id))));
  for (const [n, id] of checked.entries()) {
    const relation = relations[n];
    if (relation instanceof GatewayError && relation.code !== 'USER_NOT_FOUND') {
      failure = relation;
      continue;
    }
    undecided.delete(id);
    if (isFan(valueOrNull(relation))) fans.add(id);
  }

  if (failure && undecided.size === others.length) {
    // A check does not say whether it was the user whom the upstream does not know; counts do.
    if (failure.code === 'BAD_USER_INPUT' && callsLeft > 0) await sources.counts(userId);
    throw failure;
  }
  return { fans, isComplete: undecided.size === 0 };
}
