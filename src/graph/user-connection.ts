// Connections of users that differ in little but their names: edges, nodes, and where a page stands.
import type { UserHandle } from '../follow/model.ts';
import { builder } from './builder.ts';
import { PAGE_INFO, type PageInfo } from './connection.ts';
import { UserType } from './user.ts';

export type UserEdge = { readonly cursor: string; readonly node: UserHandle };
export type UserConnection<E extends UserEdge = UserEdge> = { readonly edges: E[]; readonly pageInfo: PageInfo };

/** Adds a connection and its edge to the schema; answers both. `cursor` says of what use that is. */
export function userConnection<C extends UserConnection<E>, E extends UserEdge = UserEdge>(
  name: string,
  { page, edge, cursor }: { page: string; edge: string; cursor: string },
) {
  const EdgeType = builder.objectRef<E>(`${name}Edge`).implement({
    description: edge,
    fields: (t) => ({
      cursor: t.string({ nullable: false, description: cursor, resolve: (edge) => edge.cursor }),
      node: t.field({ type: UserType, nullable: false, description: 'The user.', resolve: ({ node }) => node }),
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
        resolve: ({ edges }) => edges.map(({ node }) => node),
      }),
      pageInfo: t.field({ ...PAGE_INFO, resolve: ({ pageInfo }) => pageInfo }),
    }),
  });
  return [ConnectionType, EdgeType] as const;
}
