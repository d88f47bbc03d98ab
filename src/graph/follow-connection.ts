// The three lists of a user as Relay connections.
import type { GraphQLResolveInfo, SelectionNode } from 'graphql';
import type { Context, GraphSettings } from '../context.ts';
import {
  type FollowEntry,
  type FollowList,
  type FollowPage,
  type PageQuery,
  PER_CALL,
  type UserId,
} from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import { MAX_PAGE_SIZE, type Page, type ReadPage, readSlice, type Slice } from '../follow/walk.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import {
  checkFirst,
  checkMaySee,
  LIST_SIZE,
  pricedMembers,
  type UserConnection,
  UserEdge,
  userConnection,
} from './connection.ts';
import { price } from './cost.ts';
import { decodeCursor } from './cursor.ts';
import {
  checkSelection,
  type Found,
  isWholeList,
  type ListArguments,
  listArguments,
  maxMembersOf,
  readSelected,
} from './list-selection.ts';
import { UserType } from './user.ts';

type FollowConnection = UserConnection & {
  readonly userId: UserId;
  readonly list: FollowList;
  readonly isComplete: boolean;
};

/** How the pages of a list are read for a request, each as it is shown. */
export const readPageOf =
  (userId: UserId, list: FollowList, { load, settings }: Context): ReadPage<UserEdge> =>
  (start, size) => {
    const query = { userId, list, start, size };
    return andThen(load.page(query), (page) => shape(page, query, settings.cursorKey));
  };

const shapedPages = new WeakMap<FollowPage, Page<UserEdge>>();

/** A cached page is shaped once, however many answers are sliced from it. */
function shape(page: FollowPage, query: PageQuery, cursorKey: string): Page<UserEdge> {
  const known = shapedPages.get(page);
  if (known) return known;
  const entries = page.entries.map((entry, index) => edgeOf(entry, index, query, cursorKey));
  const shaped = { entries, next: page.next };
  shapedPages.set(page, shaped);
  return shaped;
}

const edgeOf = ({ user: { id, profile }, followedAt }: FollowEntry, index: number, query: PageQuery, key: string) =>
  new UserEdge({ user: { id, profile, memberOf: query }, followedAt }, key, query, { ...query, index });

/** The edge of somebody who has just become a fan, as it stands at the head of the list. `at` is epoch milliseconds. */
export function newFan(owner: UserId, fan: UserId, at: number, { cursorKey, chunkSize }: GraphSettings): UserEdge {
  const query = { userId: owner, list: 'fans', start: '', size: chunkSize } as const;
  return edgeOf({ user: { id: fan, profile: null }, followedAt: Math.floor(at / 1000) }, 0, query, cursorKey);
}

/** Reads the connection that a field asks for: at once when its page is cached, else by a promise. */
function readConnection(
  userId: UserId,
  list: FollowList,
  args: ListArguments,
  context: Context,
  info: GraphQLResolveInfo,
): FollowConnection | Promise<FollowConnection> {
  const { settings } = context;
  const { cursorKey, chunkSize } = settings;
  const selection = isWholeList(args) ? checkSelection(userId, list, args, settings) : null;
  const first = checkFirst(args.first, settings);
  const after = selection || args.after == null ? null : decodeCursor(cursorKey, { userId, list }, args.after);
  checkMaySee(context, userId, list);
  const connect = ({ entries: edges, ...found }: Slice<UserEdge> & Partial<Found>): FollowConnection => {
    return { userId, list, edges, hasPreviousPage: after !== null, isComplete: true, ...found };
  };
  if (!selectsMembers(info)) return connect({ entries: [], hasNextPage: false });
  const readPage = readPageOf(userId, list, context);
  if (selection) return readSelected(readPage, selection, context).then(connect);
  return andThen(readSlice(readPage, { first, after, chunkSize }), connect);
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
    directives: { cost: { weight: 1 } },
    resolve: (source: Source, _args: object, { load }: Context): number | null | Promise<number | null> => {
      const [userId, list] = countOf(source);
      return andThen(load.counts(userId), (counts) => counts[list]);
    },
  };
}

export const [FollowConnectionType, FollowEdgeType] = userConnection<FollowConnection>('Follow', {
  page: "One page of a user's fans, follows or mutuals, in the upstream's order: usually newest first.",
  edge: 'A member of a list of users.',
  node: 'The member.',
  cursor: 'Resumes the list right after this member when passed as `after`, also when the list has changed. Opaque.',
});

builder.objectField(FollowEdgeType, 'followedAt', (t) =>
  t.expose('time', {
    type: 'DateTime',
    description:
      'When the follow began; for mutuals, usually when it became mutual. Null where the upstream tells no time.',
  }),
);

builder.objectFields(FollowConnectionType, (t) => ({
  isComplete: t.exposeBoolean('isComplete', {
    nullable: false,
    description:
      'Whether the whole list was looked at: false where `matching` ended before some of many fans, or the upstream sent too little of the list.',
    complexity: 0,
  }),
  totalCount: t.int({
    description:
      "How many members the whole list has. Comes from the upstream's counters, so it can differ from the list for a moment.",
    ...countField(({ userId, list }) => [userId, list]),
  }),
}));

const DESCRIPTIONS: Record<FollowList, string> = {
  fans: 'The users who follow this user.',
  follows: 'The users whom this user follows.',
  mutuals: 'The users who follow this user and whom this user follows.',
};

/** After a cursor: its own page and the one after it. A search for a member that has moved shows only while it runs. */
const CALLS_AFTER_CURSOR = 2;

/** The calls that a page takes, with the profiles of those read where lists bring only a part of them. */
const callsOf = (list: FollowList) => (args: ListArguments, settings: GraphSettings) => {
  const whole = isWholeList(args) ? maxMembersOf(list, settings) : null;
  const members = whole ?? pricedMembers(args, settings);
  const profiles = settings.embeddedProfile === 'whole' ? 0 : Math.ceil(members / PER_CALL.profiles);
  return (whole ? whole / MAX_PAGE_SIZE : args.after == null ? 1 : CALLS_AFTER_CURSOR) + profiles;
};

for (const list of Object.keys(DESCRIPTIONS) as FollowList[]) {
  builder.objectField(UserType, list, (t) =>
    t.field({
      type: FollowConnectionType,
      description: DESCRIPTIONS[list],
      args: listArguments(t.arg),
      complexity: price(callsOf(list), pricedMembers),
      directives: { ...NULL_ON_ERROR, listSize: { ...LIST_SIZE, slicingArguments: ['first', 'last'] } },
      resolve: ({ id }, args, context, info) => readConnection(id, list, args, context, info),
    }),
  );
  builder.objectField(UserType, `${list}Count`, (t) =>
    t.int({ description: `How many ${list} this user has.`, ...countField(({ id }) => [id, list]) }),
  );
}
