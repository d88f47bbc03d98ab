// The part of the gateway's schema that the benches ask for, for peers that take a schema as text.
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
