// Connections of users, which differ in little but their names: edges, nodes, and where a page stands.
import type { ObjectRef } from '@pothos/core';
import type { Context } from '../context.ts';
import type { FollowEntry } from '../follow/model.ts';
import { indexAfter } from '../follow/walk.ts';
import { builder } from './builder.ts';
import { type ConnectionArguments, checkFirst, type PageInfo, PageInfoType, pageInfoOf } from './connection.ts';
import { type CursorScope, decodeCursor, encodeCursor } from './cursor.ts';
import { UserType } from './user.ts';

type UserEdge = FollowEntry & { readonly cursor: string };
export type UserConnection = { readonly edges: readonly UserEdge[]; readonly pageInfo: PageInfo };
/** A page of a list that is at hand whole. */
export type CountedConnection = UserConnection & { readonly count: number };

/** Reads a whole list, and takes a page of it, as a connection with all else that was read. */
export async function readCounted<R extends { readonly members: readonly FollowEntry[] }>(
  { first, after }: ConnectionArguments,
  scope: CursorScope,
  settings: Context['settings'],
  read: () => Promise<R>,
): Promise<CountedConnection & Omit<R, 'members'>> {
  const wanted = checkFirst(first, settings);
  const position = after == null ? null : decodeCursor(settings.cursorKey, scope, after);
  const { members, ...rest } = await read();
  // What is newer than the cursor's member has been shown.
  const index = position ? indexAfter(members, position) : 0;
  const from = index === 'later' ? members.length : index === 'unknown' ? (position?.index ?? 0) : index;
  const edges = members.slice(from, from + wanted).map(({ user, followedAt }, i) => {
    const place = { start: '', size: 0, index: from + i, userId: user.id, followedAt };
    return { user, followedAt, cursor: encodeCursor(settings.cursorKey, scope, place) };
  });
  const hasNextPage = from + edges.length < members.length;
  return { ...rest, edges, pageInfo: pageInfoOf(edges, hasNextPage, position !== null), count: members.length };
}

/** Adds a connection and its edge to the schema; answers both. `cursor` says of what use that is. */
export function userConnection<C extends UserConnection = UserConnection>(
  name: string,
  { page, edge, cursor }: { page: string; edge: string; cursor: string },
) {
  const EdgeType = builder.objectRef<UserEdge>(`${name}Edge`).implement({
    description: edge,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { nullable: false, description: cursor }),
      node: t.expose('user', { type: UserType, nullable: false, description: 'The user.' }),
    }),
  });
  return [connectionOf<C>(name, page, EdgeType), EdgeType] as const;
}

/** Adds a connection with this edge to the schema. */
export function connectionOf<C extends UserConnection>(
  name: string,
  description: string,
  EdgeType: ObjectRef<typeof builder.$inferSchemaTypes, UserEdge>,
) {
  return builder.objectRef<C>(`${name}Connection`).implement({
    description,
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
        complexity: 0,
        resolve: ({ pageInfo }) => pageInfo,
      }),
    }),
  });
}
