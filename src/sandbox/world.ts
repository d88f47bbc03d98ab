// The state behind the wire: accounts, and who follows whom since when (CONTRACT 9.1).
import { createAccounts, type DormantAccounts } from './accounts.ts';
import { addMember, inOrder, type Member, type MemberList, memberList, removeMember } from './member-list.ts';

export type ListName = 'fans' | 'follows' | 'mutuals';

type Dependencies = {
  now: () => number;
  /** True while changes may have to be shown late: only then are the overwritten follow times kept. */
  lagging?: () => boolean;
  dormant?: DormantAccounts;
};

/** A change of an edge; `before` is the follow time that it overwrote, undefined = `from` did not follow `to`. */
type Change = { atMs: number; from: string; to: string; before: number | undefined };

const MAX_CHANGES = 10_000;

export type World = ReturnType<typeof createWorld>;

/** `asOf`, where a function takes it, is a time in milliseconds: the answer is that of then. */
export function createWorld({ now, lagging = () => false, dormant = () => undefined }: Dependencies) {
  const { find, get, remove, ...accounts } = createAccounts(now, dormant);
  /** Recent changes, so that a lagging answer can show the world of a moment ago (CONTRACT U22). */
  const changes: Change[] = [];

  /** When `from` began to follow `to`, in seconds; undefined when it does not. */
  function followTime(from: string, to: string, asOf?: number): number | undefined {
    const overwrote = ({ atMs, ...edge }: Change) => atMs > Number(asOf) && edge.from === from && edge.to === to;
    const change = asOf === undefined ? undefined : changes.find(overwrote);
    return change ? change.before : find(from)?.times.get(to);
  }

  /** `other` as a member of a list of `id`: in none or one element. A mutual's time is the later of the two. */
  function memberOf(id: string, list: ListName, other: string, asOf?: number): Member[] {
    const out = list === 'fans' ? 0 : followTime(id, other, asOf);
    const back = list === 'follows' ? 0 : followTime(other, id, asOf);
    return out === undefined || back === undefined ? [] : [{ id: other, time: Math.max(out, back) }];
  }

  /** The accounts whose relation with `id`, in either direction, has changed since `asOf`. */
  function changedWith(id: string, asOf: number): Set<string> {
    const recent = changes.filter(({ atMs, from, to }) => atMs > asOf && (from === id || to === id));
    return new Set(recent.map(({ from, to }) => (from === id ? to : from)));
  }

  /** A list ready to be paged. */
  function members(id: string, list: ListName, asOf?: number): MemberList {
    const { times, ...lists } = get(id);
    const changed: Set<string> = asOf === undefined ? new Set() : changedWith(id, asOf);
    if (list === 'mutuals') {
      const others = new Set([...times.keys(), ...changed]);
      return memberList([...others].flatMap((other) => memberOf(id, list, other, asOf)));
    }
    if (changed.size === 0) return lists[list];
    const untouched = lists[list].members.filter((member) => !changed.has(member.id));
    return memberList([...untouched, ...[...changed].flatMap((other) => memberOf(id, list, other, asOf))]);
  }

  const size = (id: string, list: ListName, asOf?: number): number => members(id, list, asOf).members.length;

  function record(from: string, to: string, before: number | undefined): void {
    if (lagging()) changes.push({ atMs: now(), from, to, before });
    if (changes.length > MAX_CHANGES) changes.splice(0, MAX_CHANGES / 2);
  }

  /** Answers whether anything changed: a repeated follow keeps its first time (CONTRACT U14). */
  function follow(from: string, to: string, atSeconds = Math.floor(now() / 1000)): boolean {
    const [follower, followed] = [get(from), get(to)];
    if (from === to || follower.times.has(to)) return false;
    record(from, to, undefined);
    follower.times.set(to, atSeconds);
    addMember(follower.follows, { id: to, time: atSeconds });
    addMember(followed.fans, { id: from, time: atSeconds });
    return true;
  }

  function unfollow(from: string, to: string): boolean {
    const [follower, followed] = [get(from), get(to)];
    const time = follower.times.get(to);
    if (time === undefined) return false;
    record(from, to, time);
    follower.times.delete(to);
    removeMember(follower.follows, { id: to, time });
    removeMember(followed.fans, { id: from, time });
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

    /** Takes the account and every edge of it away (CONTRACT U24, U25). */
    removeAccount(id: string): void {
      const account = get(id);
      for (const to of [...account.times.keys()]) unfollow(id, to);
      // Oldest first: each removal then takes the end of a list that may be 100,000 long.
      for (const fan of [...inOrder(account.fans)].reverse()) unfollow(fan.id, id);
      remove(id);
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
