// The part of the gateway's schema that the benches ask for, for peers that take a schema as text, and what the resolvers of
// several peers have in common.
import type { Person } from './pages.ts';
import type { Loaders } from './source.ts';

/** A request for the screen. */
export type Asked = { variables?: { id: string; first: number } };
export type ListName = 'fans' | 'follows' | 'mutuals';
export type PageArguments = { first: number; after?: string | null };

/** A field of the profile: users of list pages come with theirs. */
export const profileField =
  (field: 'nick' | 'avatar') =>
  (user: Person, _args: object, load: Loaders): string | null | undefined | Promise<string | null | undefined> =>
    user[field] === undefined ? load.profile(user.id).then((profile) => profile[field]) : user[field];

export const countField = (list: ListName) => async (user: Person, _args: object, load: Loaders) =>
  (await load.counts(user.id))[list];

export const typeDefs = `
  scalar DateTime
  scalar URL
  type Query { user(id: ID!): User }
  type User {
    id: ID!
    nick: String
    avatar: URL
    fansCount: Int
    followsCount: Int
    mutualsCount: Int
    fans(first: Int = 20, after: String): FollowConnection
    follows(first: Int = 20, after: String): FollowConnection
    mutuals(first: Int = 20, after: String): FollowConnection
  }
  type FollowConnection { edges: [FollowEdge!]! pageInfo: PageInfo! }
  type FollowEdge { cursor: String! followedAt: DateTime! node: User! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
`;
