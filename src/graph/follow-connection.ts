// The three lists of a user as Relay connections.
import type { GraphQLResolveInfo, SelectionNode } from 'graphql';
import type { Context, GraphSettings } from '../context.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserHandle, UserId } from '../follow/model.ts';
import { type Page, readSlice, type Slice } from '../follow/walk.ts';
import { andThen } from './and-then.ts';
import { builder } from './builder.ts';
import {
  type ConnectionArguments,
  checkFirst,
  connectionArguments,
  denied,
  LIST_SIZE,
  PageInfoType,
  pricedMembers,
} from './connection.ts';
import { PER_CALL, price } from './cost.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { dateTimeOf } from './scalars.ts';
import { UserType } from './user.ts';

/** A member of a list. Its cursor is written when it is first asked for, then kept. */
type FollowEdge = FollowEntry & {
  readonly page: PageQuery;
  readonly index: number;
  /** When the follow began, as it is shown. */
  readonly time: string;
  cursor: string | null;
};

type FollowConnection = {
  readonly userId: UserId;
  readonly list: FollowList;
  readonly edges: readonly FollowEdge[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

/** Reads the connection that a field asks for: at once when its page is cached, else by a promise. */
function readConnection(
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
  const slice = readSlice((start, size) => {
    const query = { userId, list, start, size };
    const page = context.readPage(query);
    return page instanceof Promise ? page.then((arrived) => shape(arrived, query)) : shape(page, query);
  }, request);
  return slice instanceof Promise ? slice.then(connect) : connect(slice);
}

const shapedPages = new WeakMap<FollowPage, Page<FollowEdge>>();

/** A cached page is shaped once, however many answers are cut from it. */
function shape(page: FollowPage, query: PageQuery): Page<FollowEdge> {
  let shaped = shapedPages.get(page);
  if (!shaped) {
    const entries = page.entries.map(({ user: { id, profile }, followedAt }, index) => {
      const user = { id, profile, memberOf: query };
      return { user, followedAt, page: query, index, time: dateTimeOf(followedAt), cursor: null };
    });
    shaped = { entries, next: page.next };
    shapedPages.set(page, shaped);
  }
  return shaped;
}

function cursorOf(edge: FollowEdge, { cursorKey }: GraphSettings): string {
  const { page, index, user, followedAt } = edge;
  edge.cursor ??= encodeCursor(cursorKey, page, { ...page, index, userId: user.id, followedAt });
  return edge.cursor;
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

/** Reads one of the counts of a user. */
function countField<Source>(countOf: (source: Source) => [UserId, FollowList]) {
  return {
    complexity: price(1 / PER_CALL.counts),
    cost: 1,
    resolve: (source: Source, _args: object, { load }: Context): number | Promise<number> => {
      const [userId, list] = countOf(source);
      return andThen(load.counts(userId), (counts) => counts[list]);
    },
  };
}

const FollowEdgeType = builder.objectRef<FollowEdge>('FollowEdge').implement({
  description: 'A member of a list of users.',
  fields: (t) => ({
    cursor: t.string({
      nullable: false,
      description:
        'Resumes the list right after this member when passed as `after`, also when the list has changed. Opaque.',
      resolve: (edge, _args, { settings }) => cursorOf(edge, settings),
    }),
    node: t.expose('user', { type: UserType, nullable: false, description: 'The member.' }),
    followedAt: t.expose('time', {
      type: 'DateTime',
      nullable: false,
      description: 'When the follow began; for mutuals, usually when it became mutual.',
    }),
  }),
});

const FollowConnectionType = builder.objectRef<FollowConnection>('FollowConnection').implement({
  description: "One page of a user's fans, follows or mutuals, in the upstream's order: usually newest first.",
  fields: (t) => ({
    edges: t.field({
      type: [FollowEdgeType],
      nullable: false,
      description: 'The members with their cursors.',
      resolve: ({ edges }) => edges as FollowEdge[],
    }),
    nodes: t.field({
      type: [UserType],
      nullable: false,
      description: 'The members alone.',
      resolve: ({ edges }): UserHandle[] => edges.map(({ user }) => user),
    }),
    pageInfo: t.field({
      type: PageInfoType,
      nullable: false,
      description: 'Where this page stands in the list.',
      complexity: 0,
      resolve: ({ edges, hasNextPage, hasPreviousPage }, _args, { settings }) => {
        const [first, last] = [edges[0], edges.at(-1)];
        const startCursor = first ? cursorOf(first, settings) : null;
        const endCursor = last ? cursorOf(last, settings) : null;
        return { hasNextPage, hasPreviousPage, startCursor, endCursor };
      },
    }),
    totalCount: t.int({
      description:
        "How many members the whole list has. Comes from the upstream's counters, so it can differ from the list for a moment.",
      ...countField(({ userId, list }) => [userId, list]),
    }),
  }),
});

const DESCRIPTIONS: Record<FollowList, string> = {
  fans: 'The users who follow this user.',
  follows: 'The users whom this user follows.',
  mutuals: 'The users who follow this user and whom this user follows.',
};

/** After a cursor: its own page and the one after it. A search for a member that has moved shows only while it runs. */
const CALLS_AFTER_CURSOR = 2;

/** The calls that a page takes, with the profiles of its members where lists bring only a part of them. */
function callsOf(args: ConnectionArguments, settings: GraphSettings): number {
  const profiles = settings.embedsProfiles ? 0 : Math.ceil(pricedMembers(args, settings) / PER_CALL.profiles);
  return (args.after == null ? 1 : CALLS_AFTER_CURSOR) + profiles;
}

for (const list of Object.keys(DESCRIPTIONS) as FollowList[]) {
  builder.objectField(UserType, list, (t) =>
    t.field({
      type: FollowConnectionType,
      description: DESCRIPTIONS[list],
      args: connectionArguments(t.arg),
      complexity: price(callsOf, pricedMembers),
      listSize: LIST_SIZE,
      resolve: ({ id }, args, context, info) => readConnection(id, list, args, context, info),
    }),
  );
  builder.objectField(UserType, `${list}Count`, (t) =>
    t.int({ description: `How many ${list} this user has.`, ...countField(({ id }) => [id, list]) }),
  );
}
