// Relay's runtime in an app that has the packed contract and the page's code.
import {
  ConnectionHandler,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  requestSubscription,
} from 'relay-runtime';
import { createEnvironment } from './relay.ts';
import events, { type FansEventsSubscription } from './src/__generated__/FansEventsSubscription.graphql.ts';
import follow, { type FansFollowMutation } from './src/__generated__/FansFollowMutation.graphql.ts';
import query, { type FansQuery } from './src/__generated__/FansQuery.graphql.ts';
import { told, untilTrue, url } from './told.ts';

const environment = createEnvironment(url, { 'x-viewer-id': 'anna' });
const operation = createOperationDescriptor(getRequest(query), { userId: 'star', count: 20 });
environment.retain(operation);
const load = (cursor?: string | null) =>
  fetchQuery<FansQuery>(environment, query, { userId: 'star', count: 20, cursor }).toPromise();
const list = () => {
  const { user } = environment.lookup(operation.fragment).data as unknown as FansQuery['response'];
  return user?.fans as { edges: { node: { id: string; viewerIsFollowing: boolean } }[]; pageInfo: Page } | undefined;
};
type Page = { hasNextPage: boolean; endCursor: string | null };
const ids = () => list()?.edges.map(({ node }) => node.id) ?? [];

await load();
const isFollowed = () => list()?.edges.find(({ node }) => node.id === 'crowd_000344')?.node.viewerIsFollowing;
const before = isFollowed();
let meanwhile: unknown;
await new Promise((resolve, reject) => {
  commitMutation<FansFollowMutation>(environment, {
    mutation: follow,
    variables: { input: { userIds: ['crowd_000344'] } },
    optimisticResponse: {
      followUsers: {
        results: [{ __typename: 'FollowChanged', user: { id: 'crowd_000344', viewerIsFollowing: true } }],
      },
    },
    onCompleted: resolve,
    onError: reject,
  });
  meanwhile = isFollowed();
});
const button = [before, meanwhile, isFollowed()];

while (list()?.pageInfo.hasNextPage) await load(list()?.pageInfo.endCursor);
const members = ids();

const connections = [ConnectionHandler.getConnectionID('star', 'Fans_fans')];
requestSubscription<FansEventsSubscription>(environment, {
  subscription: events,
  variables: { userId: 'star', connections },
});
await untilTrue(() => ids()[0] === 'newcomer');
told({ button, members, afterEvent: ids().slice(0, 2) });
