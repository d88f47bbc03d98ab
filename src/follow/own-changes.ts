// What this gateway has changed lately, on all replicas. Nobody documents how soon the upstream's own lists, counts and
// relations show a change (contract U22), so for a while what is read is amended by what is known to have been done.
import { LRUCache } from 'lru-cache';
import type { Log, LogEntry } from '../cache/log.ts';
import type { Clock } from '../clock.ts';
import { countsAfter, type FollowChange, readChange } from './changes.ts';
import type { FollowCounts, FollowEntry, FollowList, FollowPage, FollowRelation, PageQuery, UserId } from './model.ts';

export type OwnChanges = {
  /** The page with what was changed since, if anything was. The same page gives the same object, until more changes. */
  page(query: PageQuery, page: FollowPage): FollowPage;
  counts(userId: UserId, counts: FollowCounts): FollowCounts;
  relation(from: UserId, to: UserId, relation: FollowRelation): FollowRelation;
  /** Whether such a change at about that time (epoch milliseconds) is one of these. */
  isOwn(type: FollowChange['type'], from: UserId, to: UserId, at: number): boolean;
  /** Whether others have told of such a change since `since` (epoch milliseconds). */
  isTold(type: FollowChange['type'], from: UserId, to: UserId, since: number): boolean;
};

export type OwnChangesOptions = {
  log: Pick<Log, 'listen' | 'recent'>;
  clock: Clock;
  /** For how long after a change the upstream is believed to be behind, in milliseconds; 0 believes it at once. */
  lagMs: number;
};

type OwnChange = FollowChange & { before: { from: FollowCounts | null; to: FollowCounts | null } };

/** Far more than a second's budget of changes allows within the longest lag. */
const MOST_CHANGES = 20_000;
/** By how much the upstream's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW_MS = 2000;
const MOST_TOLD = 5000;

export function createOwnChanges({ log, clock, lagMs }: OwnChangesOptions): OwnChanges {
  /** Each user's changes, oldest first, on both sides of them. */
  const byUser = new Map<UserId, OwnChange[]>();
  const inOrder: OwnChange[] = [];
  /** When others told of which change. */
  const told = new LRUCache<string, number>({ max: MOST_TOLD });
  const amended = new WeakMap<FollowPage, { changes: readonly OwnChange[]; page: FollowPage }>();

  for (const entry of log.recent()) hear(entry);
  log.listen(hear, () => {});

  function hear({ value }: LogEntry): void {
    const change = readChange(value);
    if (!change || change.type === 'profile-changed') return;
    const { before, from, to, at } = change;
    if (before) {
      if (at + lagMs <= clock.now()) return;
      add({ ...change, before });
    } else {
      told.set(`${change.type} ${from} ${to}`, clock.now());
      // Somebody else has changed the same since: what we did is history.
      for (const own of byUser.get(from) ?? [])
        if (own.from === from && own.to === to && own.type !== change.type && own.at < at) remove(own);
    }
  }

  function add(change: OwnChange): void {
    dropOld();
    inOrder.push(change);
    for (const userId of [change.from, change.to]) byUser.set(userId, [...(byUser.get(userId) ?? []), change]);
  }

  function remove(change: OwnChange): void {
    const at = inOrder.indexOf(change);
    if (at >= 0) inOrder.splice(at, 1);
    for (const userId of [change.from, change.to]) {
      const rest = byUser.get(userId)?.filter((other) => other !== change) ?? [];
      if (rest.length > 0) byUser.set(userId, rest);
      else byUser.delete(userId);
    }
  }

  function dropOld(): void {
    for (let oldest = inOrder[0]; oldest; oldest = inOrder[0]) {
      if (oldest.at + lagMs > clock.now() && inOrder.length < MOST_CHANGES) return;
      remove(oldest);
    }
  }

  /** What was changed of `userId` and still counts; undefined when nothing was. */
  function changesOf(userId: UserId): readonly OwnChange[] | undefined {
    if (byUser.size === 0) return undefined;
    dropOld();
    return byUser.get(userId);
  }

  return {
    page(query, page) {
      const changes = changesOf(query.userId);
      if (!changes) return page;
      const known = amended.get(page);
      if (known?.changes === changes) return known.page;
      const fresh = { changes, page: amendPage(query, page, changes) };
      amended.set(page, fresh);
      return fresh.page;
    },

    counts(userId, counts) {
      const changes = changesOf(userId);
      return changes ? amendCounts(userId, counts, changes) : counts;
    },

    relation(from, to, relation) {
      const changes = changesOf(from);
      const there = changes?.findLast((change) => change.from === from && change.to === to);
      const back = changes?.findLast((change) => change.from === to && change.to === from);
      if (!there && !back) return relation;
      const follows = there ? there.type === 'followed' : relation === 'FOLLOWING' || relation === 'MUTUAL';
      const isFollowed = back ? back.type === 'followed' : relation === 'FAN' || relation === 'MUTUAL';
      if (follows) return isFollowed ? 'MUTUAL' : 'FOLLOWING';
      return isFollowed ? 'FAN' : 'NONE';
    },

    isOwn: (type, from, to, at) =>
      (changesOf(from) ?? []).some(
        (own) => own.type === type && own.from === from && own.to === to && Math.abs(own.at - at) <= lagMs,
      ),
    isTold: (type, from, to, since) => (told.get(`${type} ${from} ${to}`) ?? Number.NEGATIVE_INFINITY) >= since,
  };
}

/** Takes out who was unfollowed since, and puts in who was followed since and is not there yet. */
function amendPage({ userId, list, start }: PageQuery, page: FollowPage, changes: readonly OwnChange[]): FollowPage {
  const gone = new Map<UserId, number>();
  const come = new Map<UserId, FollowEntry>();
  for (const change of changes) {
    const other = memberOf(list, userId, change);
    if (other === null) continue;
    gone.delete(other);
    come.delete(other);
    if (change.type === 'unfollowed') gone.set(other, change.at + CLOCK_SKEW_MS);
    else come.set(other, { user: { id: other, profile: null }, followedAt: Math.floor(change.at / 1000) });
  }
  const isGone = ({ user, followedAt }: FollowEntry) => followedAt * 1000 <= (gone.get(user.id) ?? -1);
  let entries = page.entries.some(isGone) ? page.entries.filter((entry) => !isGone(entry)) : page.entries;
  // The newest come first (contract U3), so newcomers belong on the head of the list.
  if (start === '') {
    for (const { user } of entries) come.delete(user.id);
    if (come.size > 0) entries = insert(entries, [...come.values()]);
  }
  return entries === page.entries ? page : { entries, next: page.next };
}

/** The one who is, or was, on `userId`'s list by `change`; null when it does not concern that list. */
function memberOf(list: FollowList, userId: UserId, { type, from, to, mutual }: OwnChange): UserId | null {
  if (list === 'follows') return from === userId ? to : null;
  if (list === 'fans') return to === userId ? from : null;
  // Whoever unfollows is a mutual of nobody's any more, whatever was known before.
  if (type === 'followed' && !mutual) return null;
  return from === userId ? to : from;
}

/** Newest first, ties by account, as the upstream has them as far as anybody has seen. */
function insert(entries: readonly FollowEntry[], newcomers: FollowEntry[]): FollowEntry[] {
  const all = [...entries];
  for (const newcomer of newcomers) {
    const at = all.findIndex(
      ({ user, followedAt }) =>
        followedAt < newcomer.followedAt || (followedAt === newcomer.followedAt && user.id > newcomer.user.id),
    );
    all.splice(at < 0 ? all.length : at, 0, newcomer);
  }
  return all;
}

/**
 * Counts cannot tell which changes are in them. But one that is exactly what it was before one of ours is behind, and
 * any other has news of others in it, so that it is believed.
 */
function amendCounts(userId: UserId, counts: FollowCounts, changes: readonly OwnChange[]): FollowCounts {
  let past: FollowCounts[] = [];
  let latest: FollowCounts | null = null;
  for (const { from, type, mutual, before } of changes) {
    const side = from === userId ? 'from' : 'to';
    const known = before[side];
    // Nobody knows what came of a change of something unknown.
    past = known ? [...past, known] : [];
    latest = known && countsAfter(known, side, type === 'followed' ? 'follow' : 'unfollow', mutual);
  }
  const now = latest;
  if (!now) return counts;
  const amend = (list: FollowList) => (past.some((was) => was[list] === counts[list]) ? now[list] : counts[list]);
  return { fans: amend('fans'), follows: amend('follows'), mutuals: amend('mutuals') };
}
