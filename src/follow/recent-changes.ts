// What has changed lately, on all replicas: by this gateway, and by what the upstream told and confirmed. Nobody
// documents how soon the upstream's own lists, counts and relations show a change (contract U22), so for a while what is
// read is amended by what is known.
import { LRUCache } from 'lru-cache';
import type { Log, LogEntry } from '../cache/log.ts';
import type { Clock } from '../clock.ts';
import { amendPage } from './amend-page.ts';
import { type FollowChange, isFan, isFollowing, readChange } from './changes.ts';
import { createEdgeBook, type Edges } from './edges.ts';
import { createLaggingCounts } from './lagging-counts.ts';
import type { FollowCounts, FollowPage, FollowRelation, PageQuery, UserId } from './model.ts';

export type RecentChanges = {
  /** The page as it is now. The same page gives the same object, until more changes. */
  page(query: PageQuery, page: FollowPage): FollowPage;
  counts(userId: UserId, counts: FollowCounts): FollowCounts;
  relation(from: UserId, to: UserId, relation: FollowRelation): FollowRelation;
  /**
   * Whether a change that the upstream tells of is one of this gateway's own: it was done while that was asked for. Each
   * own change explains one such telling on a replica; `at` is epoch milliseconds.
   */
  explains(type: FollowChange['type'], from: UserId, to: UserId, at: number): boolean;
};

export type RecentChangesOptions = {
  log: Pick<Log, 'listen' | 'recent'>;
  clock: Clock;
  /** For how long after a change the upstream is believed to be behind, in milliseconds; 0 believes it at once. */
  lagMs: number;
};

/** By how much the upstream's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW_MS = 2000;
/** What was remembered during the lag is forgotten at its end; until that is done everywhere, changes still count. */
const GRACE_MS = 1000;
const MOST_OWN = 20_000;

export function createRecentChanges({ log, clock, lagMs }: RecentChangesOptions): RecentChanges {
  const edges = createEdgeBook();
  const counts = createLaggingCounts();
  /** This gateway's last change of each pair, and when it was under way; until something told has been explained by it. */
  const own = new LRUCache<string, { type: FollowChange['type']; began: number; at: number }>({ max: MOST_OWN });
  const amended = new WeakMap<FollowPage, { edges: Edges; page: FollowPage }>();

  for (const entry of log.recent()) hear(entry);
  log.listen(hear, () => {});

  function hear({ value }: LogEntry): void {
    const change = readChange(value);
    if (!change || change.type === 'profile-changed') return;
    const { type, from, to, at } = change;
    if (change.own) own.set(`${from} ${to}`, { type, began: change.own.began, at });
    // What claims to be yet to come counts from now on, like everything else.
    const until = Math.min(at, clock.now()) + lagMs + GRACE_MS;
    if (lagMs === 0 || until <= clock.now()) return;
    const { isNews, mutual } = edges.enter(change, until);
    if (isNews) counts.enter({ ...change, mutual }, until);
  }

  return {
    page(query, page) {
      const changed = edges.of(query.userId, clock.now());
      if (!changed) return page;
      const known = amended.get(page);
      if (known?.edges === changed) return known.page;
      const fresh = { edges: changed, page: amendPage(query, page, changed) };
      amended.set(page, fresh);
      return fresh.page;
    },
    counts: (userId, read) => counts.amend(userId, read, clock.now()),
    relation(from, to, relation) {
      const now = clock.now();
      const follows = edges.between(from, to, now)?.follows ?? isFollowing(relation);
      const isFollowed = edges.between(to, from, now)?.follows ?? isFan(relation);
      if (follows) return isFollowed ? 'MUTUAL' : 'FOLLOWING';
      return isFollowed ? 'FAN' : 'NONE';
    },
    explains(type, from, to, at) {
      const pair = `${from} ${to}`;
      const last = own.get(pair);
      if (!last) return false;
      // What is told late, and undone by one of ours since, is history.
      if (last.type !== type) return at < last.began;
      if (at < last.began - CLOCK_SKEW_MS || at > last.at + CLOCK_SKEW_MS) return false;
      own.delete(pair);
      return true;
    },
  };
}
