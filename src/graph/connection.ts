// A list of users as a Relay connection: checks the arguments, reads the slice, and gives every edge its cursor.
import type { GraphQLResolveInfo, SelectionNode } from 'graphql';
import type { Context, GraphSettings } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserHandle, UserId } from '../follow/model.ts';
import { type Page, readSlice, type Slice } from '../follow/walk.ts';
import { decodeCursor, encodeCursor } from './item-cursor.ts';
import { dateTimeOf } from './scalars.ts';

/** A member of a list with all that its cursor needs. The cursor and the time are written when first asked for, then kept. */
export type FollowEdge = FollowEntry & {
  readonly page: PageQuery;
  readonly index: number;
  cursor: string | null;
  time: string | null;
};

export type FollowConnection = {
  readonly userId: UserId;
  readonly list: FollowList;
  readonly edges: readonly FollowEdge[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

export type ConnectionArguments = { first?: number | null; after?: string | null };

export const DEFAULT_PAGE_SIZE = 20;

/** Reads the connection that a field asks for: at once when its page is remembered, else by a promise. */
export function readConnection(
  userId: UserId,
  list: FollowList,
  { first, after }: ConnectionArguments,
  context: Context,
  info: GraphQLResolveInfo,
): FollowConnection | Promise<FollowConnection> {
  const { settings } = context;
  const request = {
    first: checkFirst(first, settings),
    after: after == null ? null : decodeCursor(settings.cursorKey, { userId, list }, after),
    chunkSize: settings.chunkSize,
  };
  if (!context.maySee(userId, list)) throw denied(context.viewer, userId, list);
  const hasPreviousPage = request.after !== null;
  const connect = ({ entries, hasNextPage }: Slice<FollowEdge>): FollowConnection => {
    return { userId, list, edges: entries, hasNextPage, hasPreviousPage };
  };
  if (!selectsMembers(info)) return connect({ entries: [], hasNextPage: false });

  const slice = readSlice((start, size): Page<FollowEdge> | Promise<Page<FollowEdge>> => {
    const query = { userId, list, start, size };
    const page = context.readPage(query);
    return page instanceof Promise ? page.then((arrived) => shape(arrived, query)) : shape(page, query);
  }, request);
  return slice instanceof Promise ? slice.then(connect) : connect(slice);
}

/** The cursor of an edge, the same bytes each time. */
export function cursorOf(edge: FollowEdge, { cursorKey }: GraphSettings): string {
  const { page, index, user, followedAt } = edge;
  edge.cursor ??= encodeCursor(cursorKey, page, { ...page, index, userId: user.id, followedAt });
  return edge.cursor;
}

/** When the follow began, as it is shown. */
export function timeOf(edge: FollowEdge): string {
  edge.time ??= dateTimeOf(edge.followedAt);
  return edge.time;
}

const users = new WeakMap<readonly FollowEdge[], UserHandle[]>();

/** The members of a slice, the same list each time. */
export function usersOf(edges: readonly FollowEdge[]): UserHandle[] {
  const known = users.get(edges) ?? edges.map(({ user }) => user);
  users.set(edges, known);
  return known;
}

const shaped = new WeakMap<FollowPage, Page<FollowEdge>>();

/** A remembered page is shaped once, however many answers are cut from it. */
function shape(page: FollowPage, query: PageQuery): Page<FollowEdge> {
  let edges = shaped.get(page);
  if (!edges) {
    edges = {
      entries: page.entries.map(({ user: { id, profile }, followedAt }, index) => ({
        user: { id, profile, memberOf: query },
        followedAt,
        page: query,
        index,
        cursor: null,
        time: null,
      })),
      next: page.next,
    };
    shaped.set(page, edges);
  }
  return edges;
}

/** Why `viewer` does not get to see a list, in words that a frontend's developer can act on. */
export function denied(viewer: Context['viewer'], owner: UserId, list: FollowList): GatewayError {
  const remedy = viewer ? '' : ' Logging in may help.';
  return new GatewayError('FORBIDDEN', `You may not see the ${list} of "${owner}".${remedy}`);
}

/** Answers how many members are wanted, when that is no more than the deployment allows. */
export function checkFirst(wanted: number | null | undefined, { maxPageSize }: GraphSettings): number {
  const first = wanted ?? DEFAULT_PAGE_SIZE;
  if (first >= 0 && first <= maxPageSize) return first;
  throw new GatewayError('BAD_USER_INPUT', `"first" must be between 0 and ${maxPageSize}, not ${first}.`);
}

/** Whether a field below the connection needs its members: `{ totalCount }` alone must not read a page. */
function selectsMembers({ fieldNodes, fragments }: GraphQLResolveInfo): boolean {
  const needsMembers = (selection: SelectionNode): boolean => {
    if (selection.kind === 'Field')
      return selection.name.value !== 'totalCount' && selection.name.value !== '__typename';
    const target = selection.kind === 'InlineFragment' ? selection : fragments[selection.name.value];
    return target?.selectionSet.selections.some(needsMembers) ?? false;
  };
  return fieldNodes.some(({ selectionSet }) => selectionSet?.selections.some(needsMembers));
}
