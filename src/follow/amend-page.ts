// A page of a list as it is after what has been changed lately, whether the upstream shows that yet or not.
import type { Edge, Edges } from './edges.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserId } from './model.ts';

/** By how much the upstream's clock may differ from ours, in seconds. */
const CLOCK_SKEW_SECONDS = 2;

/** Whether somebody is in a list, since when: Unix seconds, null when it is not known. */
type Membership = { isMember: boolean; since: number | null };

/** Takes out who left, puts in who came, and hides the former place of who came back. */
export function amendPage({ list, start }: PageQuery, page: FollowPage, edges: Edges): FollowPage {
  const memberships = new Map(membershipsOf(list, edges));
  const stays = ({ user, followedAt }: FollowEntry): boolean => {
    const membership = memberships.get(user.id);
    if (!membership) return true;
    const { isMember, since } = membership;
    if (isMember) return since === null || followedAt >= since - CLOCK_SKEW_SECONDS;
    return followedAt > (since ?? 0) + CLOCK_SKEW_SECONDS;
  };
  // Who was shown by our clock's time before the upstream had them keeps it: cursors name it.
  const dated = (entry: FollowEntry): FollowEntry => {
    const { isMember = false, since = null } = memberships.get(entry.user.id) ?? {};
    return isMember && since !== null && entry.followedAt !== since ? { ...entry, followedAt: since } : entry;
  };
  const isUntouched = page.entries.every((entry) => !memberships.has(entry.user.id));
  const kept = isUntouched ? page.entries : page.entries.filter(stays).map(dated);
  // The newest come first (contract U3), so newcomers belong on the head of the list.
  const entries = start === '' ? insertNewcomers(kept, memberships, page.next !== '') : kept;
  return entries === page.entries ? page : { entries, next: page.next };
}

function* membershipsOf(list: FollowList, { out, back }: Edges): Generator<[UserId, Membership]> {
  if (list !== 'mutuals') {
    for (const [other, edge] of list === 'follows' ? out : back)
      yield [other, { isMember: edge.follows, since: secondsOf(edge.follows ? edge.since : edge.at) }];
    return;
  }
  for (const other of new Set([...out.keys(), ...back.keys()])) {
    const edges = [out.get(other), back.get(other)].filter((edge) => edge !== undefined);
    const ends = edges.filter((edge) => !edge.follows);
    if (ends.length > 0) yield [other, { isMember: false, since: secondsOf(latest(ends)) }];
    else if (edges.length === 2 || edges[0]?.mutual)
      yield [
        other,
        { isMember: true, since: edges.some(({ since }) => since !== null) ? secondsOf(latest(edges)) : null },
      ];
  }
}

const latest = (edges: readonly Edge[]): number => Math.max(...edges.map(({ at }) => at));
const secondsOf = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));

/** Merges who is not there yet into the head of a list, newest first, ties by account; the rest belongs further down. */
function insertNewcomers(
  entries: readonly FollowEntry[],
  memberships: ReadonlyMap<UserId, Membership>,
  hasMore: boolean,
): readonly FollowEntry[] {
  const there = new Set(entries.map(({ user }) => user.id));
  const oldest = hasMore ? (entries.at(-1)?.followedAt ?? 0) : 0;
  const newcomers: FollowEntry[] = [];
  for (const [id, { isMember, since }] of memberships) {
    if (!isMember || since === null || since < oldest || there.has(id)) continue;
    newcomers.push({ user: { id, profile: null }, followedAt: since });
  }
  if (newcomers.length === 0) return entries;
  newcomers.sort(inOrder);
  const merged: FollowEntry[] = [];
  let next = 0;
  for (const entry of entries) {
    for (let first = newcomers[next]; first && inOrder(first, entry) < 0; first = newcomers[++next]) merged.push(first);
    merged.push(entry);
  }
  return [...merged, ...newcomers.slice(next)];
}

const inOrder = (a: FollowEntry, b: FollowEntry): number =>
  b.followedAt - a.followedAt || (a.user.id < b.user.id ? -1 : 1);
