// Changes made by this gateway, on any replica. Nobody documents how soon the upstream shows a change in its lists and
// relations, so for WRITE_LAG_SECONDS what is read is amended by what was done.
import { LRUCache } from 'lru-cache';
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import type { HeardChange } from './changes.ts';
import { type FollowChange, isFan, isFollowing, relationOf } from './changes.ts';
import type { FollowRelation, UserId } from './model.ts';

/**
 * Whether one user follows another by now. `since`: when that began, in Unix seconds; null when it was so before.
 * `until`: epoch milliseconds.
 */
export type Edge = {
  readonly follows: boolean;
  readonly since: number | null;
  readonly until: number;
  mutual: boolean;
};

/** A user's follows and fans that this gateway has changed lately, by the other user. */
export type Edges = { readonly out: ReadonlyMap<UserId, Edge>; readonly back: ReadonlyMap<UserId, Edge> };

export type OwnChanges = {
  edgesOf(userId: UserId): Edges | undefined;
  relation(from: UserId, to: UserId, read: FollowRelation): FollowRelation;
  /** Counts the own changes of a user; 0 while none is recent. */
  generation(userId: UserId): number;
  /** Until when (epoch milliseconds) what is amended now for the user holds by itself. */
  freshUntil(userId: UserId): number;
  /**
   * Whether a change that the upstream tells of is one of this gateway's own: made while that was asked for. Each own
   * change explains one webhook on a replica; `at` is epoch milliseconds.
   */
  consumeOwnChange(type: FollowChange['type'], from: UserId, to: UserId, at: number): boolean;
};

export type OwnChangesOptions = {
  stream: Pick<ChangeStream<HeardChange>, 'listen' | 'recent'>;
  clock: Clock;
  /** How long after a change the upstream may be behind, in milliseconds; 0: never. */
  lagMs: number;
};

/** By how much the upstream's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW_MS = 2000;
/** What was cached during the lag is invalidated at its end; until that is done everywhere, changes still count. */
const GRACE_MS = 1000;
const MAX_CHANGES = 20_000;
/** For each user, so that a crowd that follows a star does not slow down every read of the star. */
const MAX_EDGES = 1000;

type Recent = { from: UserId; to: UserId; at: number; edge: Edge };
type UserEdges = { out: Map<UserId, Edge>; back: Map<UserId, Edge>; generation: number };

export function createOwnChanges({ stream, clock, lagMs }: OwnChangesOptions): OwnChanges {
  /** The last change of each pair, oldest first. */
  const recent = new Map<string, Recent>();
  const users = new Map<UserId, UserEdges>();
  const unexplained = new LRUCache<string, { type: FollowChange['type']; startedAt: number; at: number }>({
    max: MAX_CHANGES,
  });
  let generation = 0;

  for (const { value } of stream.recent()) hear(value);
  stream.listen(
    ({ value }) => hear(value),
    () => {},
  );

  function hear(change: HeardChange): void {
    if (change.type === 'profile-changed') return;
    const { type, from, to, at, mutual, own } = change;
    const pair = `${from} ${to}`;
    const known = recent.get(pair);
    if (!own) {
      // The upstream has shown what came after an own change.
      if (known && known.at <= at) drop(pair, known);
      const reverse = recent.get(`${to} ${from}`);
      if (!reverse) return;
      reverse.edge.mutual = type === 'followed';
      for (const userId of [from, to]) renew(userId);
      return;
    }
    unexplained.set(pair, { type, startedAt: own.startedAt, at });
    const until = Math.min(at, clock.now()) + lagMs + GRACE_MS;
    if (lagMs === 0 || until <= clock.now()) return;
    const follows = type === 'followed';
    const since = own.isNew ? Math.floor(at / 1000) : known?.edge.follows === follows ? known.edge.since : null;
    if (known) drop(pair, known);
    const edge = { follows, since, until, mutual };
    recent.set(pair, { from, to, at, edge });
    put(from, 'out', to, edge);
    put(to, 'back', from, edge);
  }

  function renew(userId: UserId): void {
    const edges = users.get(userId);
    if (edges) edges.generation = ++generation;
  }

  function put(userId: UserId, side: 'out' | 'back', other: UserId, edge: Edge): void {
    const edges = users.get(userId) ?? { out: new Map(), back: new Map(), generation };
    users.set(userId, edges);
    edges[side].set(other, edge);
    renew(userId);
    const [oldest] = edges[side].keys();
    if (edges[side].size > MAX_EDGES && oldest !== undefined) edges[side].delete(oldest);
  }

  function drop(pair: string, { from, to, edge }: Recent): void {
    recent.delete(pair);
    for (const [userId, side, other] of [
      [from, 'out', to],
      [to, 'back', from],
    ] as const) {
      const edges = users.get(userId);
      if (edges?.[side].get(other) !== edge) continue;
      edges[side].delete(other);
      renew(userId);
      if (edges.out.size + edges.back.size === 0) users.delete(userId);
    }
  }

  function edgesOf(userId: UserId): UserEdges | undefined {
    for (const [pair, change] of recent) {
      if (change.edge.until > clock.now() && recent.size <= MAX_CHANGES) break;
      drop(pair, change);
    }
    return users.get(userId);
  }

  return {
    edgesOf,
    relation(from, to, read) {
      const edges = edgesOf(from);
      if (!edges) return read;
      return relationOf(edges.out.get(to)?.follows ?? isFollowing(read), edges.back.get(to)?.follows ?? isFan(read));
    },
    generation: (userId) => edgesOf(userId)?.generation ?? 0,
    freshUntil(userId) {
      const { out, back } = edgesOf(userId) ?? {};
      const [first] = out?.values() ?? [];
      const [other] = back?.values() ?? [];
      return Math.min(first?.until ?? Number.POSITIVE_INFINITY, other?.until ?? Number.POSITIVE_INFINITY);
    },
    consumeOwnChange(type, from, to, at) {
      const pair = `${from} ${to}`;
      const last = unexplained.get(pair);
      if (!last) return false;
      // What is told late, and was undone by an own change since, is history.
      if (last.type !== type) return at < last.startedAt;
      if (at < last.startedAt - CLOCK_SKEW_MS || at > last.at + CLOCK_SKEW_MS) return false;
      unexplained.delete(pair);
      return true;
    },
  };
}
