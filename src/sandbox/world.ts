// The state behind the wire: accounts, and who follows whom since when (CONTRACT 9.1).
import { createAccounts, type Member } from './accounts.ts';

export type ListName = 'fans' | 'follows' | 'mutuals';

type Dependencies = {
  now: () => number;
  /** True while changes may have to be shown late: only then are the overwritten follow times kept. */
  lagging: () => boolean;
};

/** A change of an edge; `before` is the follow time that it overwrote, undefined = `from` did not follow `to`. */
type Change = { atMs: number; from: string; to: string; before: number | undefined };

const MAX_CHANGES = 10_000;

export type World = ReturnType<typeof createWorld>;

/** `asOf`, where a function takes it, is a time in milliseconds: the answer is that of then. */
export function createWorld({ now, lagging }: Dependencies) {
  const { find, get, remove, ...accounts } = createAccounts(now);
  /** Recent changes, so that a lagging answer can show the world of a moment ago (CONTRACT U22). */
  const changes: Change[] = [];

  /** When `from` began to follow `to`, in seconds; undefined when it does not. */
  function followTime(from: string, to: string, asOf?: number): number | undefined {
    const overwrote = ({ atMs, ...edge }: Change) => atMs > Number(asOf) && edge.from === from && edge.to === to;
    const change = asOf === undefined ? undefined : changes.find(overwrote);
    return change ? change.before : find(from)?.follows.get(to);
  }

  /** `other` as a member of a list of `id`: in none or one element. A mutual's time is the later of the two. */
  function memberOf(id: string, list: ListName, other: string, asOf?: number): Member[] {
    const out = list === 'fans' ? 0 : followTime(id, other, asOf);
    const back = list === 'follows' ? 0 : followTime(other, id, asOf);
    return out === undefined || back === undefined ? [] : [{ id: other, time: Math.max(out, back) }];
  }

  /** The accounts whose relation with `id`, in either direction, has changed since `asOf`. */
  function changedWith(id: string, asOf = Number.POSITIVE_INFINITY): Set<string> {
    const recent = changes.filter(({ atMs, from, to }) => atMs > asOf && (from === id || to === id));
    return new Set(recent.map(({ from, to }) => (from === id ? to : from)));
  }

  /** A whole list in page order. */
  function list(id: string, name: ListName, asOf?: number): readonly Member[] {
    const account = get(id);
    const changed = changedWith(id, asOf);
    const current = account.inOrder[name];
    if (current && changed.size === 0) return current;
    const others = new Set([...account[name === 'fans' ? 'fans' : 'follows'].keys(), ...changed]);
    const members = [...others].flatMap((other) => memberOf(id, name, other, asOf)).sort(compareMembers);
    if (changed.size === 0) account.inOrder[name] = members;
    return members;
  }

  /** Sets or ends an edge, and answers whether anything changed: a repeated follow keeps its first time (CONTRACT U14). */
  function setEdge(from: string, to: string, time: number | undefined): boolean {
    const [follower, followed] = [get(from), get(to)];
    const before = follower.follows.get(to);
    if (from === to || (before === undefined) === (time === undefined)) return false;
    if (lagging()) changes.push({ atMs: now(), from, to, before });
    if (changes.length > MAX_CHANGES) changes.splice(0, MAX_CHANGES / 2);
    if (time === undefined) {
      follower.follows.delete(to);
      followed.fans.delete(from);
    } else {
      follower.follows.set(to, time);
      followed.fans.set(from, time);
    }
    follower.inOrder = {};
    followed.inOrder = {};
    return true;
  }

  const follow = (from: string, to: string, atSeconds = Math.floor(now() / 1000)) => setEdge(from, to, atSeconds);
  const unfollow = (from: string, to: string) => setEdge(from, to, undefined);

  return {
    ...accounts,
    followTime,
    list,
    follow,
    unfollow,

    counts: (id: string, asOf?: number): Record<ListName, number> => ({
      fans: list(id, 'fans', asOf).length,
      follows: list(id, 'follows', asOf).length,
      mutuals: list(id, 'mutuals', asOf).length,
    }),

    /** Takes the account and every edge of it away (CONTRACT U24, U25). */
    removeAccount(id: string): void {
      const { follows, fans } = get(id);
      for (const to of [...follows.keys()]) unfollow(id, to);
      for (const from of [...fans.keys()]) unfollow(from, id);
      remove(id);
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

/** Page order: newest first, equal times by account (CONTRACT U3). */
export function compareMembers(a: Member, b: Member): number {
  if (a.time !== b.time) return b.time - a.time;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
