// What the Relay app asks; the compiler makes modules of it.
import { graphql } from 'relay-runtime';

graphql`
  query FansQuery($userId: ID!, $count: Int!, $cursor: String) {
    user(id: $userId) {
      fans(first: $count, after: $cursor) @connection(key: "Fans_fans") {
        edges { node { id nick birthday viewerIsFollowing } }
      }
    }
  }
`;
graphql`
  mutation FansFollowMutation($input: FollowUsersInput!) @raw_response_type {
    followUsers(input: $input) {
      results { __typename ... on FollowChanged { user { id viewerIsFollowing } } }
    }
  }
`;
graphql`
  subscription FansEventsSubscription($userId: ID!, $after: String, $connections: [ID!]!) {
    followEvents(userId: $userId, after: $after) {
      __typename
      cursor
      ... on FanGained {
        edge @prependEdge(connections: $connections) { node { id nick birthday viewerIsFollowing } }
      }
    }
  }
`;
