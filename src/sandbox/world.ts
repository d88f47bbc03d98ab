// The state behind the wire: accounts, and who follows whom since when (contract 9.1).
import { type Account, createAccounts, type DormantAccounts } from './accounts.ts';
import { createHistory } from './history.ts';
import { addMember, inOrder, type Member, type MemberList, memberList, removeMember } from './member-list.ts';

export type ListName = 'fans' | 'follows' | 'mutuals';

type Dependencies = {
  now: () => number;
  /** True while changes may have to be shown late: only then is it worth remembering what they overwrote. */
  lagging?: () => boolean;
  dormant?: DormantAccounts;
};

export type World = ReturnType<typeof createWorld>;

export function createWorld({ now, lagging = () => false, dormant = () => undefined }: Dependencies) {
  const { find, get, forget, ...accounts } = createAccounts(dormant);
  const history = createHistory();

  /** When `from` began to follow `to`, in seconds; undefined when it does not. `asOf` (ms) looks back in time. */
  function followTime(from: string, to: string, asOf?: number): number | undefined {
    const before = asOf === undefined ? undefined : history.before(from, to, asOf);
    return before ? before.time : find(from)?.times.get(to);
  }

  function memberTime(list: ListName, id: string, other: string, asOf?: number): number | undefined {
    const out = followTime(id, other, asOf);
    const back = followTime(other, id, asOf);
    if (list === 'follows') return out;
    if (list === 'fans') return back;
    return out === undefined || back === undefined ? undefined : Math.max(out, back);
  }

  function withTimes(list: ListName, id: string, others: Iterable<string>, asOf?: number): Member[] {
    return [...others].flatMap((other) => {
      const time = memberTime(list, id, other, asOf);
      return time === undefined ? [] : [{ id: other, time }];
    });
  }

  /** A list ready to be paged; with `asOf`, as it was at that time. */
  function members(id: string, list: ListName, asOf?: number): MemberList {
    const account = get(id);
    if (list === 'mutuals') account.mutuals ??= memberList(withTimes('mutuals', id, account.times.keys()));
    const current = account[list] ?? memberList();
    const changed = asOf === undefined ? undefined : history.changedWith(id, asOf);
    if (!changed?.size) return current;
    const untouched = current.members.filter((member) => !changed.has(member.id));
    return memberList([...untouched, ...withTimes(list, id, changed, asOf)]);
  }

  const size = (id: string, list: ListName, asOf?: number): number => members(id, list, asOf).members.length;

  function remember(from: string, to: string, before: number | undefined): void {
    if (lagging()) history.record({ at: now(), from, to, before });
  }

  /** Does the same to both mutual lists when the edge has, or had, a counterpart. */
  function changeMutuals(change: typeof addMember, from: string, to: string, time: number): void {
    const [follower, followed] = [get(from), get(to)];
    const back = followed.times.get(from);
    if (back === undefined) return;
    const later = Math.max(time, back);
    if (follower.mutuals) change(follower.mutuals, { id: to, time: later });
    if (followed.mutuals) change(followed.mutuals, { id: from, time: later });
  }

  /** Answers whether anything changed: a repeated follow keeps its first time (contract U14). */
  function follow(from: string, to: string, atSeconds = Math.floor(now() / 1000)): boolean {
    const [follower, followed]: [Account, Account] = [get(from), get(to)];
    if (from === to || follower.times.has(to)) return false;
    remember(from, to, undefined);
    follower.times.set(to, atSeconds);
    addMember(follower.follows, { id: to, time: atSeconds });
    addMember(followed.fans, { id: from, time: atSeconds });
    changeMutuals(addMember, from, to, atSeconds);
    return true;
  }

  function unfollow(from: string, to: string): boolean {
    const [follower, followed]: [Account, Account] = [get(from), get(to)];
    const time = follower.times.get(to);
    if (time === undefined) return false;
    remember(from, to, time);
    follower.times.delete(to);
    removeMember(follower.follows, { id: to, time });
    removeMember(followed.fans, { id: from, time });
    changeMutuals(removeMember, from, to, time);
    return true;
  }

  return {
    ...accounts,
    followTime,
    members,
    size,
    follow,
    unfollow,

    /** A whole list in page order. */
    list: (id: string, list: ListName, asOf?: number): Member[] => [...inOrder(members(id, list, asOf))],

    counts: (id: string, asOf?: number): Record<ListName, number> => ({
      fans: size(id, 'fans', asOf),
      follows: size(id, 'follows', asOf),
      mutuals: size(id, 'mutuals', asOf),
    }),

    /** Takes the account and every edge of it away (contract U24, U25). */
    removeAccount(id: string): void {
      const account = get(id);
      for (const to of [...account.times.keys()]) unfollow(id, to);
      // Oldest first: each removal then takes the end of a list that may be 100,000 long.
      for (const fan of [...inOrder(account.fans)].reverse()) unfollow(fan.id, id);
      forget(id);
    },

    /** Puts dormant accounts into a list of fans at once. Each must say of itself that it follows `id` since then. */
    adoptFans(id: string, fans: Member[]): void {
      const account = get(id);
      account.fans = memberList([...account.fans.members, ...fans]);
    },

    /**
     * Gives `id` (imported when new) exactly `count` more fans: `crowd_000001` follows first, each next one a second
     * later, so the last is on top of the list. Crowds of different people are the same accounts.
     */
    addFans(id: string, count: number, fromSeconds = 1_600_000_000): void {
      if (!find(id)) accounts.importAccount(id);
      for (let crowd = 1, added = 0; added < count; crowd += 1) {
        const fan = `crowd_${String(crowd).padStart(6, '0')}`;
        if (!find(fan)) accounts.importAccount(fan, { Tag_Profile_IM_Nick: `Crowd ${crowd}` });
        if (follow(fan, id, fromSeconds + added)) added += 1;
      }
    },
  };
}
