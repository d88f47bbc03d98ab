// What the Relay app asks; the compiler makes modules of it.
import { graphql } from 'relay-runtime';

graphql`
  query ListsQuery($userId: ID!) { user(id: $userId) { ...Lists_fans ...Lists_knownFans } }
  fragment Lists_fans on User
    @refetchable(queryName: "ListsFansQuery")
    @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    fans(first: $count, after: $cursor) @connection(key: "Lists_fans") {
      edges { node { id nick birthday viewerIsFollowing } }
    }
  }
  fragment Lists_knownFans on User
    @refetchable(queryName: "ListsKnownFansQuery")
    @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    knownFans(first: $count, after: $cursor) @connection(key: "Lists_knownFans") { edges { node { id } } }
  }
`;
graphql`
  query ListsSearchQuery($matching: String, $orderBy: FollowOrder, $first: Int, $last: Int) {
    user(id: "star") {
      ...Lists_search @arguments(matching: $matching, orderBy: $orderBy, first: $first, last: $last)
    }
  }
  fragment Lists_search on User
    @refetchable(queryName: "ListsSearchPageQuery")
    @argumentDefinitions(
      matching: { type: "String" }, orderBy: { type: "FollowOrder" },
      first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }
    ) {
    follows(matching: $matching, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before)
      @connection(key: "Lists_search_follows") { edges { node { id } } }
  }
`;
graphql`
  query ListsHeaderQuery($userId: ID!) { user(id: $userId) { id nick @catch viewerIsFollowing @catch } }
`;
graphql`
  mutation ListsFollowMutation($input: FollowUsersInput!) @raw_response_type {
    followUsers(input: $input) {
      results { __typename ... on FollowChanged { user { id viewerIsFollowing } } }
    }
  }
`;
graphql`
  subscription ListsEventsSubscription($userId: ID!, $after: String, $connections: [ID!]!) {
    followEvents(userId: $userId, after: $after) {
      __typename
      cursor
      ... on FanGained {
        edge @prependEdge(connections: $connections) { node { id nick birthday viewerIsFollowing } }
        owner { id fansCount }
      }
      ... on FanLost { user { id @deleteEdge(connections: $connections) } owner { id fansCount } }
    }
  }
`;
