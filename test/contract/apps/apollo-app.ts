// Apollo Client in an app that has the packed contract and the page's code.
import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import {
  FansScreenDocument,
  FansWithRelationsDocument,
  FollowsScreenDocument,
  FollowUsersDocument,
  KnownFansDocument,
  MutualsScreenDocument,
  SearchFollowsDocument,
} from 'follow-gateway-contract';
import { possibleTypes, resumingLink, typePolicies } from 'follow-gateway-contract/apollo';
import { createApollo, showFans } from './apollo.ts';
import { leave, told, untilTrue, url } from './told.ts';

type Edge = { cursor: string; node: { id: string } };
type Page = { edges: Edge[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
type Screen = { user: Partial<Record<'fans' | 'follows' | 'mutuals' | 'knownFans', Page | null>> | null };
type ScreenDocument = TypedDocumentNode<
  Screen,
  { userId?: string | number; first?: number | null; after?: string | null }
>;

/** Two parts of a value without an id. */
const BADGE = gql`{ user(id: "star") { id newFans(since: "2020-01-01T00:00:00Z") { count } } }`;
const NEWEST = gql`{ user(id: "star") { id newFans(since: "2020-01-01T00:00:00Z") { edges { cursor } } } }`;
const FOUND: TypedDocumentNode<{ user: { fans: { totalCount: number; edges: unknown[] } } }> = gql`
  query Found { user(id: "star") { id fans(matching: "345") { totalCount edges { node { id } } } } }
`;

const headers = { 'x-viewer-id': 'anna' };
const client = createApollo(url, headers);
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

/** A list as it is in the cache, loaded page by page. */
async function openScreen(by: ApolloClient, query: ScreenDocument, list: keyof NonNullable<Screen['user']>) {
  const screen = by.watchQuery({ query, variables });
  screen.subscribe({});
  await screen.refetch();
  const page = () => by.readQuery({ query, variables })?.user?.[list];
  const loadAfter = (after?: string | null) => screen.fetchMore({ variables: { after } });
  const ids = () => page()?.edges.map(({ node }) => node.id) ?? [];
  const all = async () => {
    while (page()?.pageInfo.hasNextPage) await loadAfter(page()?.pageInfo.endCursor);
    return ids();
  };
  return { page, ids, all, loadAfter };
}

const fans = await openScreen(client, FansScreenDocument, 'fans');
await fans.loadAfter(fans.page()?.pageInfo.endCursor);
await fans.loadAfter(fans.page()?.edges[20]?.cursor);
const fromMiddle = fans.ids().length;
const members = await fans.all();

const methods: unknown[] = [];
const byGet = new ApolloClient({
  cache: new InMemoryCache({ possibleTypes, typePolicies }),
  link: resumingLink({
    ...{ uri: url, headers, useGETForQueries: true },
    fetch(input, init) {
      methods.push(init?.method);
      return fetch(input, init);
    },
  }),
});
const lists = {
  follows: await (await openScreen(byGet, FollowsScreenDocument, 'follows')).all(),
  mutuals: await (await openScreen(byGet, MutualsScreenDocument, 'mutuals')).all(),
  knownFans: await (await openScreen(byGet, KnownFansDocument, 'knownFans')).all(),
};

const sorted = { userId: 'star', matching: 'CROWD', orderBy: 'NICK_ASC', first: null, last: 20 } as const;
await client.query({ query: SearchFollowsDocument, variables });
const search = client.watchQuery({ query: SearchFollowsDocument, variables: sorted });
search.subscribe({});
await search.refetch();
const found = () => client.readQuery({ query: SearchFollowsDocument, variables: sorted })?.user?.follows;
while (found()?.pageInfo.hasPreviousPage)
  await search.fetchMore({ variables: { before: found()?.pageInfo.startCursor } });
const searched = found()?.edges.map(({ node }) => node.id);

for (const query of [BADGE, NEWEST]) await client.query({ query });
const parts = [BADGE, NEWEST].filter((query) => client.readQuery({ query })).length;
const node = gql`{ node(id: "star") { ...Identity } } fragment Identity on Node { id }`;
const { data: identity } = await client.query({ query: node });
const forged = { query: FansScreenDocument, variables: { userId: 'star', after: 'nonsense' } };
const failures = [];
for (const by of [client, byGet]) {
  const error = await by.query({ ...forged, fetchPolicy: 'network-only' }).catch((caught: unknown) => caught);
  const partial = await by.query({ ...forged, errorPolicy: 'all', fetchPolicy: 'no-cache' });
  failures.push({ errors: CombinedGraphQLErrors.is(error) && error.errors, user: partial.data?.user });
}

await client.query({ query: FOUND });
showFans(client, 'star');
await untilTrue(() => fans.ids()[0] === 'newcomer');
const afterEvent = fans.ids().slice(0, 2);
const shown = () => client.readQuery({ query: FansScreenDocument, variables })?.user?.fans;
const [top] = shown()?.edges ?? [];
const totals = [shown()?.totalCount, client.readQuery({ query: FOUND })?.user.fans];
await leave();
await untilTrue(() => fans.ids()[0] !== 'newcomer');
const event = { top, totals, afterLoss: [shown()?.totalCount, fans.ids().length] };
told({ button, members, afterEvent, rest: { fromMiddle, methods, lists, searched, parts, identity, failures, event } });
