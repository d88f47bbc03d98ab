// The part of the gateway's schema that the query uses, for the peers that take a schema as text, and its resolvers over
// pages that lie ready. Nothing below `fans` needs a resolver: the objects have the fields' names.
import { keyOf, readPages } from './pages.ts';

export const typeDefs = `
  scalar DateTime
  scalar URL
  type Query { user(id: ID!): User }
  type User { id: ID! nick: String avatar: URL fans(first: Int = 20): FollowConnection }
  type FollowConnection { edges: [FollowEdge!]! pageInfo: PageInfo! }
  type FollowEdge { cursor: String! followedAt: DateTime! node: User! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
`;

const pages = readPages();

export const resolvers = {
  Query: { user: (_root: unknown, { id }: { id: string }) => ({ id }) },
  User: { fans: ({ id }: { id: string }, { first }: { first: number }) => pages.get(keyOf(id, first)) ?? null },
};
