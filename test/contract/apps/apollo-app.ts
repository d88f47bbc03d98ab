// Apollo Client in an app that has the packed contract and the page's code.
import { FansScreenDocument, FansWithRelationsDocument, FollowUsersDocument } from 'follow-gateway-contract';
import { createApollo, showFans } from './apollo.ts';
import { told, untilTrue, url } from './told.ts';

const client = createApollo(url, { 'x-viewer-id': 'anna' });
const variables = { userId: 'star', first: 20 };

await client.query({ query: FansWithRelationsDocument, variables });
const fan = () =>
  client
    .readQuery({ query: FansWithRelationsDocument, variables }, true)
    ?.user?.fans?.edges.find(({ node }) => node.id === 'crowd_000344')?.node;
const before = fan();
if (!before) throw new Error('There is no such fan.');
const user = { ...before, viewerIsFollowing: true, fansCount: 0 };
const pressed = client.mutate({
  mutation: FollowUsersDocument,
  variables: { input: { userIds: [user.id] } },
  optimisticResponse: { followUsers: { results: [{ __typename: 'FollowChanged', user }], viewer: null } },
});
const meanwhile = fan()?.viewerIsFollowing;
await pressed;
const button = [before.viewerIsFollowing, meanwhile, fan()?.viewerIsFollowing];

const screen = client.watchQuery({ query: FansScreenDocument, variables });
screen.subscribe({});
await screen.refetch();
const list = () => client.readQuery({ query: FansScreenDocument, variables })?.user?.fans;
while (list()?.pageInfo.hasNextPage) await screen.fetchMore({ variables: { after: list()?.pageInfo.endCursor } });
const ids = () => list()?.edges.map(({ node }) => node.id) ?? [];
const members = ids();

showFans(client, 'star');
await untilTrue(() => ids()[0] === 'newcomer');
told({ button, members, afterEvent: ids().slice(0, 2) });
