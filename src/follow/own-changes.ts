// Changes made by this gateway, on any replica. It is not documented how soon the upstream shows them in lists and
// relations, so for WRITE_LAG_SECONDS these changes are laid over each read.
import { createBoundedMap } from '../cache/bounded-map.ts';
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import { type FollowChange, type HeardChange, isFan, isFollowing, relationOf } from './changes.ts';
import {
  type FollowEntry,
  type FollowList,
  type FollowPage,
  type FollowRelation,
  newestFirst,
  type PageQuery,
  type UserId,
} from './model.ts';
import { andThen, type CallOptions } from './services.ts';

/** Whether one user follows another by now. `mutual`: whether the other follows back, unless that is an edge too. */
export type Edge = {
  readonly follows: boolean;
  readonly mutual: boolean;
  /** When the change was made, and until when it counts, in epoch milliseconds. */
  readonly at: number;
  readonly until: number;
};

/** A user's follows and fans that this gateway has changed lately, by the other user. */
export type Edges = { readonly out: Map<UserId, Edge>; readonly back: Map<UserId, Edge>; revision: number };

type HeardFollow = Extract<HeardChange, FollowChange>;

export type OwnChanges = ReturnType<typeof createOwnChanges>;

export type OwnChangesOptions = {
  stream: Pick<ChangeStream<HeardChange>, 'listen'>;
  clock: Clock;
  /** How long after a change the upstream may be behind, in milliseconds; 0: never. */
  lagMs: number;
};

/** By how much the upstream's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW_MS = 2000;
/** Entries cached during the lag are invalidated at its end; until that is done everywhere, changes still count. */
const GRACE_MS = 1000;
const MAX_USERS = 20_000;
/** For each user, so that a crowd that follows a star does not slow down every read of the star. */
const MAX_EDGES = 1000;

export function createOwnChanges({ stream, clock, lagMs }: OwnChangesOptions) {
  const users = createBoundedMap<UserId, Edges>(MAX_USERS);
  const unmatched = createBoundedMap<string, { type: FollowChange['type']; startedAt: number; at: number }>(MAX_USERS);
  let revision = 0;

  stream.listen(({ value }) => value.type !== 'profile-changed' && hear(value));

  function hear({ type, from, to, at, mutual, own, isRepeated }: HeardFollow): void {
    if (own) {
      if (own.isNew !== null) unmatched.set(`${from} ${to}`, { type, startedAt: own.startedAt, at });
      const until = Math.min(at, clock.now()) + lagMs + GRACE_MS;
      const counts = own.isNew !== false && lagMs > 0 && until > clock.now();
      if (counts) put(from, to, { follows: type === 'followed', mutual, at, until });
      return;
    }
    if (isRepeated) return;
    // The upstream has shown what came after an own change.
    const known = edgesOf(from)?.out.get(to);
    if (known && known.at <= at) put(from, to, null);
    const reverse = edgesOf(to)?.out.get(from);
    if (reverse) put(to, from, { ...reverse, mutual: type === 'followed' });
  }

  function put(from: UserId, to: UserId, edge: Edge | null): void {
    for (const [userId, side, other] of [
      [from, 'out', to],
      [to, 'back', from],
    ] as const) {
      const edges = users.get(userId) ?? { out: new Map(), back: new Map(), revision };
      users.set(userId, edges);
      edges.revision = ++revision;
      edges[side].delete(other);
      if (edge) edges[side].set(other, edge);
      const [oldest] = edges[side].keys();
      if (edges[side].size > MAX_EDGES && oldest !== undefined) edges[side].delete(oldest);
    }
  }

  function edgesOf(userId: UserId): Edges | undefined {
    const edges = users.get(userId);
    if (!edges) return undefined;
    for (const side of [edges.out, edges.back]) {
      for (const [other, { until }] of side) {
        if (until > clock.now()) continue;
        side.delete(other);
        edges.revision = ++revision;
      }
    }
    if (edges.out.size + edges.back.size > 0) return edges;
    users.delete(userId);
    return undefined;
  }

  return {
    edgesOf,
    /** How `from` stands to `to`, where the upstream said `read`. */
    relation(from: UserId, to: UserId, read: FollowRelation): FollowRelation {
      const edges = edgesOf(from);
      return relationOf(edges?.out.get(to)?.follows ?? isFollowing(read), edges?.back.get(to)?.follows ?? isFan(read));
    },
    /** Changes with a user's edges; 0 while there are none. */
    revision: (userId: UserId) => edgesOf(userId)?.revision ?? 0,
    /**
     * Whether a change that the upstream reports is one of this gateway's own: made while that was asked for. Each own
     * change accounts for one webhook on a replica; `at` is epoch milliseconds.
     */
    consumeOwnChange(type: FollowChange['type'], from: UserId, to: UserId, at: number): boolean {
      const pair = `${from} ${to}`;
      const last = unmatched.get(pair);
      if (!last) return false;
      // A report that comes late, and was undone by an own change since, is history.
      if (last.type !== type) return at < last.startedAt;
      if (at < last.startedAt - CLOCK_SKEW_MS || at > last.at + CLOCK_SKEW_MS) return false;
      unmatched.delete(pair);
      return true;
    },
  };
}

const OWN = 'own:';

/** The same service, in which lists and relations show own changes at once. */
export function withOwnChanges(service: CachedFollowService, own: OwnChanges): CachedFollowService {
  /** A kept answer has to know when it may no longer be what this viewer did. */
  function noteRead(userId: UserId, call: CallOptions): void {
    call.onRead?.({ group: OWN + userId, sequence: own.revision(userId), freshUntil: Number.POSITIVE_INFINITY });
  }

  return {
    ...service,
    readPage: (query, call) =>
      andThen(service.readPage(query, call), (page) => {
        noteRead(query.userId, call);
        const edges = own.edgesOf(query.userId);
        return edges ? overlayPage(query, page, edges) : page;
      }),
    readRelation: (from, to, call) =>
      andThen(service.readRelation(from, to, call), (relation) => {
        noteRead(from, call);
        return own.relation(from, to, relation);
      }),
    isCurrent: (group, sequence) =>
      group.startsWith(OWN) ? own.revision(group.slice(OWN.length)) === sequence : service.isCurrent(group, sequence),
  };
}

/** Takes out the users who left, and puts those who came, or came back, where their time has them on the head of the list. */
function overlayPage({ list, start }: PageQuery, page: FollowPage, edges: Edges): FollowPage {
  const changed = membershipsOf(list, edges);
  // A time from before the change is that of a member whom the upstream has not seen leave yet.
  const isSo = ({ user, followedAt }: FollowEntry) => followedAt >= (changed.get(user.id) ?? 0) - CLOCK_SKEW_MS / 1000;
  const stay = page.entries.filter(isSo);
  const there = new Set(stay.map(({ user }) => user.id));
  // The newest come first (CONTRACT U3): a member older than this page belongs further down.
  const oldest = page.next === '' ? 0 : (page.entries.at(-1)?.followedAt ?? 0);
  const entries = [...stay];
  for (const [id, followedAt] of start === '' ? changed : []) {
    if (followedAt === LEFT || followedAt < oldest || there.has(id)) continue;
    const newcomer = { user: { id, profile: null }, followedAt };
    const index = entries.findIndex((entry) => newestFirst(newcomer, entry) < 0);
    // The others stay in the upstream's order, whatever that is: pages are cut out of it by cursors from before.
    entries.splice(index < 0 ? entries.length : index, 0, newcomer);
  }
  const isSame = stay.length === page.entries.length && entries.length === stay.length;
  return isSame ? page : { entries, next: page.next };
}

const LEFT = Number.POSITIVE_INFINITY;

/** Since when each changed user is in the list, in Unix seconds, or that they have `LEFT`. */
function membershipsOf(list: FollowList, { out, back }: Edges): Map<UserId, number> {
  const memberships = new Map<UserId, number>();
  const lists = { follows: [out], fans: [back], mutuals: [out, back] }[list];
  for (const id of new Set(lists.flatMap((edges) => [...edges.keys()]))) {
    const edges = lists.map((side) => side.get(id)).filter((edge) => edge !== undefined);
    if (edges.some(({ follows }) => !follows)) memberships.set(id, LEFT);
    // One side alone makes a mutual of somebody who follows back.
    else if (edges.length === lists.length || edges[0]?.mutual)
      memberships.set(id, Math.floor(Math.max(...edges.map(({ at }) => at)) / 1000));
  }
  return memberships;
}
