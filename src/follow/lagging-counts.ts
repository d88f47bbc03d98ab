// Counts while the upstream is seen to be behind. A count cannot tell which changes are in it; but one that is what it
// was before a change, or between two, is behind, and any other has news of others in it, so that it is believed.
import { countsAfter, type FollowChange } from './changes.ts';
import type { FollowCounts, FollowList, UserId } from './model.ts';

export type LaggingCounts = {
  /** Enters a change that was not known before. Only one that was seen to lag begins an account. */
  enter(change: FollowChange, until: number): void;
  amend(userId: UserId, counts: FollowCounts, now: number): FollowCounts;
};

type Account = { past: Record<FollowList, Set<number>>; latest: FollowCounts; until: number };

const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
const MOST_ACCOUNTS = 20_000;

export function createLaggingCounts(): LaggingCounts {
  const accounts = new Map<UserId, Account>();

  /** The account that a change counts on; what the upstream shows must be one of its states, or a new one begins. */
  function accountOf(userId: UserId, behind: FollowCounts | null): Account | undefined {
    const account = accounts.get(userId);
    if (!behind) return account;
    const fits =
      account && LISTS.every((list) => account.past[list].has(behind[list]) || account.latest[list] === behind[list]);
    if (fits) return account;
    const begun = {
      past: { fans: new Set<number>(), follows: new Set<number>(), mutuals: new Set<number>() },
      latest: behind,
      until: 0,
    };
    accounts.delete(userId);
    accounts.set(userId, begun);
    return begun;
  }

  return {
    enter(change, until) {
      for (const side of ['from', 'to'] as const) {
        const account = accountOf(change[side], change.own?.behind?.[side] ?? null);
        if (!account) continue;
        for (const list of LISTS) account.past[list].add(account.latest[list]);
        account.latest = countsAfter(account.latest, side, change);
        account.until = Math.max(account.until, until);
      }
      for (const oldest of accounts.keys()) {
        if (accounts.size <= MOST_ACCOUNTS) break;
        accounts.delete(oldest);
      }
    },
    amend(userId, counts, now) {
      const account = accounts.size > 0 ? accounts.get(userId) : undefined;
      if (!account) return counts;
      if (account.until <= now) {
        accounts.delete(userId);
        return counts;
      }
      const { past, latest } = account;
      const amended = (list: FollowList) => (past[list].has(counts[list]) ? latest[list] : counts[list]);
      return { fans: amended('fans'), follows: amended('follows'), mutuals: amended('mutuals') };
    },
  };
}
