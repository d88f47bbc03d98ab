// What connections of users have in common: their arguments, edges, nodes, and where a page stands in its list.
import type { ArgBuilder } from '@pothos/core';
import type { Context, GraphSettings } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { FollowEntry, FollowList, FollowPage, UserHandle, UserId } from '../follow/model.ts';
import { type CursorPosition, readSlice } from '../follow/walk.ts';
import { builder, dateTimeOf } from './builder.ts';
import { type CursorScope, decodeCursor, encodeCursor } from './cursor.ts';
import { UserType } from './user.ts';

export type ConnectionArguments = { first?: number | null; after?: string | null; last?: number | null };

export const DEFAULT_PAGE_SIZE = 20;

export const connectionArguments = (t: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  first: t.int({
    defaultValue: DEFAULT_PAGE_SIZE,
    description: "How many members to return: from 0 to the deployment's maximum, 100 by default.",
  }),
  after: t.string({ description: 'The cursor of the edge to go on after.' }),
});

/** What a router takes a page for: `first`, which has a default, so that no composer takes an assumed size beside it. */
export const LIST_SIZE = {
  slicingArguments: ['first'],
  sizedFields: ['edges', 'nodes'],
  requireOneSlicingArgument: false,
};

/** How many members are wanted, when that is no more than the deployment allows. */
export function checkFirst(wanted: number | null | undefined, { maxPageSize }: GraphSettings, name = 'first'): number {
  const members = wanted ?? DEFAULT_PAGE_SIZE;
  if (members >= 0 && members <= maxPageSize) return members;
  throw new GatewayError('BAD_USER_INPUT', `"${name}" must be between 0 and ${maxPageSize}, not ${members}.`);
}

/** How many members a connection is priced for: none where `checkFirst` refuses it. */
export function pricedMembers({ first, last }: ConnectionArguments, { maxPageSize }: GraphSettings): number {
  const members = last ?? first ?? DEFAULT_PAGE_SIZE;
  return members >= 0 && members <= maxPageSize ? members : 0;
}

/** Throws `FORBIDDEN` when the viewer may not see a list, in words that a frontend's developer can act on. */
export function checkMaySee(context: Context, owner: UserId, list: FollowList): void {
  if (context.maySee(owner, list)) return;
  const remedy = context.viewer ? '' : ' Logging in may help.';
  throw new GatewayError('FORBIDDEN', `You may not see the ${list} of "${owner}".${remedy}`);
}

export type UserConnection = {
  readonly edges: readonly UserEdge[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

const PageInfoType = builder.objectRef<UserConnection>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  directives: { shareable: {} },
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      nullable: false,
      description:
        'Whether more members follow. Never false while some remain; when it is true, the last page can turn out empty.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      nullable: false,
      description:
        'Whether members come before this page. Where the list is not read whole: whether it was asked for with `after`.',
    }),
    startCursor: t.string({
      description: 'The cursor of the first edge; null when the page is empty.',
      resolve: ({ edges }) => edges[0]?.cursor,
    }),
    endCursor: t.string({
      description: 'The cursor of the last edge, to go on with as `after`; null when the page is empty.',
      resolve: ({ edges }) => edges.at(-1)?.cursor,
    }),
  }),
});
/** A member of a list as it is shown; its cursor is written when it is asked for, and kept. */
export class UserEdge implements FollowEntry {
  readonly user: UserHandle;
  readonly followedAt: number;
  readonly #writeCursor: () => string;
  #cursor: string | undefined;
  #time: string | null | undefined;

  /** `position` is where the list holds the member, as its cursor says. */
  constructor(
    { user, followedAt }: FollowEntry,
    cursorKey: string,
    scope: CursorScope,
    position: Omit<CursorPosition, 'userId' | 'followedAt'>,
  ) {
    this.user = user;
    this.followedAt = followedAt;
    this.#writeCursor = () => encodeCursor(cursorKey, scope, { ...position, userId: user.id, followedAt });
  }

  get cursor(): string {
    this.#cursor ??= this.#writeCursor();
    return this.#cursor;
  }

  /** `followedAt` as text; null where the upstream's time cannot be read. */
  get time(): string | null {
    if (this.#time === undefined) this.#time = this.followedAt === 0 ? null : dateTimeOf(this.followedAt);
    return this.#time;
  }
}

/** Takes a page out of a list that only goes forward, and whose upstream pages have one size. */
export async function readForward(
  args: ConnectionArguments,
  scope: CursorScope,
  settings: GraphSettings,
  read: (start: string) => FollowPage | Promise<FollowPage>,
): Promise<UserConnection> {
  const { cursorKey, chunkSize } = settings;
  const first = checkFirst(args.first, settings);
  const after = args.after == null ? null : decodeCursor(cursorKey, scope, args.after);
  const readPage = async (start: string) => {
    const { entries, next } = await read(start);
    const edgeOf = (entry: FollowEntry, index: number) =>
      new UserEdge(entry, cursorKey, scope, { start, index, size: chunkSize });
    return { next, entries: entries.map(edgeOf) };
  };
  const { entries: edges, hasNextPage } = await readSlice(readPage, { first, after, chunkSize });
  return { edges, hasNextPage, hasPreviousPage: after !== null };
}

/** Adds a connection and its edge to the schema; answers both. `cursor` says of what use that is. */
export function userConnection<C extends UserConnection = UserConnection>(
  name: string,
  { page, edge, node = 'The user.', cursor }: { page: string; edge: string; node?: string; cursor: string },
) {
  const EdgeType = builder.objectRef<UserEdge>(`${name}Edge`).implement({
    description: edge,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { nullable: false, description: cursor }),
      node: t.expose('user', { type: UserType, nullable: false, description: node }),
    }),
  });
  const ConnectionType = builder.objectRef<C>(`${name}Connection`).implement({
    description: page,
    fields: (t) => ({
      edges: t.field({
        type: [EdgeType],
        nullable: false,
        description: 'The members with their cursors.',
        resolve: ({ edges }) => edges,
      }),
      nodes: t.field({
        type: [UserType],
        nullable: false,
        description: 'The members alone.',
        resolve: ({ edges }) => edges.map(({ user }) => user),
      }),
      pageInfo: t.field({
        type: PageInfoType,
        nullable: false,
        description: 'Where this page stands in the list.',
        complexity: { field: 0, multiplier: 0 },
        resolve: (connection) => connection,
      }),
    }),
  });
  return [ConnectionType, EdgeType] as const;
}
