// The cache overlaid with this gateway's own changes, whether the upstream shows them yet or not.
import type { CachedFollowService } from './cached-follow-service.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserId } from './model.ts';
import type { Edges, OwnChanges } from './own-changes.ts';
import { andThen, type CallOptions } from './services.ts';

const OWN = 'own:';

/** The same service, in which lists and relations show own changes at once. */
export function withOwnChanges(service: CachedFollowService, own: OwnChanges): CachedFollowService {
  /** A kept answer has to know when it may no longer be what this viewer did. */
  function noteRead(userId: UserId, call: CallOptions): void {
    call.onRead?.({ group: OWN + userId, generation: own.generation(userId), freshUntil: Number.POSITIVE_INFINITY });
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
    isCurrent: (group, generation) =>
      group.startsWith(OWN)
        ? own.generation(group.slice(OWN.length)) === generation
        : service.isCurrent(group, generation),
  };
}

/** Takes out the users who left, and puts those who came at the head of the list. */
function overlayPage({ list, start }: PageQuery, page: FollowPage, edges: Edges): FollowPage {
  const changed = membershipsOf(list, edges);
  const there = new Set(page.entries.map(({ user }) => user.id));
  const stay = page.entries.filter(({ user }) => changed.get(user.id) !== 'left');
  // The newest come first (CONTRACT U3): a member older than this page belongs further down.
  const oldest = page.next === '' ? 0 : (page.entries.at(-1)?.followedAt ?? 0);
  const newcomers: FollowEntry[] = [];
  for (const [id, since] of start === '' ? changed : []) {
    if (since === 'left' || since < oldest || there.has(id)) continue;
    newcomers.push({ user: { id, profile: null }, followedAt: since });
  }
  if (newcomers.length === 0 && stay.length === page.entries.length) return page;
  return { entries: [...newcomers, ...stay].sort(newestFirst), next: page.next };
}

/** Since when each changed user is in the list, in Unix seconds. */
function membershipsOf(list: FollowList, { out, back }: Edges): Map<UserId, number | 'left'> {
  const memberships = new Map<UserId, number | 'left'>();
  const lists = { follows: [out], fans: [back], mutuals: [out, back] }[list];
  for (const id of new Set(lists.flatMap((edges) => [...edges.keys()]))) {
    const edges = lists.map((side) => side.get(id)).filter((edge) => edge !== undefined);
    if (edges.some(({ follows }) => !follows)) memberships.set(id, 'left');
    // One side alone makes a mutual of somebody who follows back.
    else if (edges.length === lists.length || edges[0]?.mutual)
      memberships.set(id, Math.floor(Math.max(...edges.map(({ at }) => at)) / 1000));
  }
  return memberships;
}

/** The order of lists (CONTRACT U3), in which each member's position is their own. */
export const newestFirst = (a: FollowEntry, b: FollowEntry): number =>
  b.followedAt - a.followedAt || (a.user.id < b.user.id ? -1 : 1);
