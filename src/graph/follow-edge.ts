// A member of one of the three lists, as an edge.
import type { KeyObject } from 'node:crypto';
import type { Context, GraphSettings } from '../context.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserId } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import type { Page, ReadPage } from '../follow/walk.ts';
import { UserEdge } from './connection.ts';

/** How the pages of a list are read for a request, each as it is shown. */
export const readPageOf =
  (userId: UserId, list: FollowList, { load, settings }: Context): ReadPage<UserEdge> =>
  (start, size) => {
    const query = { userId, list, start, size };
    return andThen(load.page(query), (page) => shape(page, query, settings.cursorKey));
  };

const shapedPages = new WeakMap<FollowPage, Page<UserEdge>>();

/** A cached page is shaped once, however many answers are sliced from it. */
function shape(page: FollowPage, query: PageQuery, cursorKey: KeyObject): Page<UserEdge> {
  const known = shapedPages.get(page);
  if (known) return known;
  const entries = page.entries.map((entry, index) => edgeOf(entry, index, query, cursorKey));
  const shaped = { entries, next: page.next };
  shapedPages.set(page, shaped);
  return shaped;
}

const edgeOf = ({ user: { id, profile }, followedAt }: FollowEntry, index: number, query: PageQuery, key: KeyObject) =>
  new UserEdge({ user: { id, profile, memberOf: query }, followedAt }, key, query, { ...query, index });

/** The edge of somebody who has just become a fan, as it stands at the head of the list. `at` is epoch milliseconds. */
export function newFan(owner: UserId, fan: UserId, at: number, { cursorKey, chunkSize }: GraphSettings): UserEdge {
  const query = { userId: owner, list: 'fans', start: '', size: chunkSize } as const;
  return edgeOf({ user: { id: fan, profile: null }, followedAt: Math.floor(at / 1000) }, 0, query, cursorKey);
}
