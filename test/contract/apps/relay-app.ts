// Relay's runtime in an app that has the packed contract and the page's code, and what Relay's React hooks do with it.
import { subscribeOver } from 'follow-gateway-contract/relay';
import {
  __internal,
  type ConcreteRequest,
  ConnectionHandler,
  commitMutation,
  createOperationDescriptor,
  getPaginationMetadata,
  getPaginationVariables,
  getSingularSelector,
  type Observable,
  type ReaderFragment,
  type RequestParameters,
  requestSubscription,
  type Variables,
} from 'relay-runtime';
import { createEnvironment } from './relay.ts';
import fansFragment from './src/__generated__/Lists_fans.graphql.ts';
import knownFansFragment from './src/__generated__/Lists_knownFans.graphql.ts';
import searchFragment from './src/__generated__/Lists_search.graphql.ts';
import events, { type ListsEventsSubscription } from './src/__generated__/ListsEventsSubscription.graphql.ts';
import follow, { type ListsFollowMutation } from './src/__generated__/ListsFollowMutation.graphql.ts';
import header from './src/__generated__/ListsHeaderQuery.graphql.ts';
import lists from './src/__generated__/ListsQuery.graphql.ts';
import search from './src/__generated__/ListsSearchQuery.graphql.ts';
import { leave, told, untilTrue, url } from './told.ts';

type Person = { id: string; nick?: string | null; viewerIsFollowing?: boolean | null };
type PageInfo = {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
};
type Connection = { edges: { node: Person }[]; pageInfo: PageInfo };

const environment = createEnvironment(url, { 'x-viewer-id': 'anna' });

/** Runs a query and keeps what it brought, as `useLazyLoadQuery` does; what it answers reads the user from the store. */
async function load(request: ConcreteRequest, variables: Variables) {
  const operation = createOperationDescriptor(request, variables, { force: true });
  environment.retain(operation);
  await __internal.fetchQuery(environment, operation).toPromise();
  return () => (environment.lookup(operation.fragment).data as { user: unknown }).user;
}

/** A list of a user, loaded page by page as `usePaginationFragment` does it. */
function paginate(fragment: ReaderFragment, readUser: () => unknown, direction: 'forward' | 'backward' = 'forward') {
  const { paginationRequest, paginationMetadata, connectionPathInFragmentData, identifierField } =
    getPaginationMetadata(fragment, 'paginate');
  const select = () => {
    const selector = getSingularSelector(fragment, readUser());
    if (!selector) throw new Error(`There is no user for ${fragment.name}.`);
    return selector;
  };
  const read = () => {
    const { data, isMissingData } = environment.lookup(select());
    if (isMissingData) throw new Error(`The store lacks some of what ${fragment.name} selects.`);
    return data as Record<string, unknown>;
  };
  const connection = () => read()[String(connectionPathInFragmentData[0])] as Connection;
  let pages = 1;
  async function loadNext(): Promise<void> {
    pages++;
    const { variables, owner } = select();
    const { startCursor, endCursor } = connection().pageInfo;
    const cursor = direction === 'forward' ? endCursor : startCursor;
    const bases = { ...owner.variables, ...variables };
    const page = getPaginationVariables(direction, 20, cursor, bases, {}, paginationMetadata);
    if (identifierField) page.id = read()[identifierField];
    await load(paginationRequest, page);
  }
  const nodes = () => connection().edges.map(({ node }) => node);
  const ids = () => nodes().map(({ id }) => id);
  return {
    nodes,
    ids,
    loadNext,
    /** All members; fails if that takes more pages than they fill. */
    async all(): Promise<string[]> {
      const hasNext = () => connection().pageInfo[direction === 'forward' ? 'hasNextPage' : 'hasPreviousPage'];
      while (hasNext()) await loadNext();
      if (pages !== Math.ceil(ids().length / 20)) throw new Error(`${ids().length} members took ${pages} pages.`);
      return ids();
    },
  };
}

const star = await load(lists, { userId: 'star' });
const fans = paginate(fansFragment, star);
const stateOf = (userId: string) => environment.check(createOperationDescriptor(header, { userId })).status;
const shownAtOnce = ['crowd_000345', 'crowd_000001'].map(stateOf);
const caught = (await load(header, { userId: 'nobody' }))();

const isFollowed = () => fans.nodes().find(({ id }) => id === 'crowd_000344')?.viewerIsFollowing;
const before = isFollowed();
let meanwhile: unknown;
await new Promise((resolve, reject) => {
  const user = { id: 'crowd_000344', viewerIsFollowing: true };
  commitMutation<ListsFollowMutation>(environment, {
    mutation: follow,
    variables: { input: { userIds: [user.id] } },
    optimisticResponse: { followUsers: { results: [{ __typename: 'FollowChanged', user }] } },
    onCompleted: resolve,
    onError: reject,
  });
  meanwhile = isFollowed();
});
const button = [before, meanwhile, isFollowed()];

const connections = [ConnectionHandler.getConnectionID('star', 'Lists_fans')];
requestSubscription<ListsEventsSubscription>(environment, {
  subscription: events,
  variables: { userId: 'star', connections },
});
await untilTrue(() => fans.ids()[0] === 'newcomer');
const afterEvent = fans.ids().slice(0, 2);
const newcomer = fans.nodes()[0];
const fansCount = environment.getStore().getSource().get('star')?.fansCount;
await fans.loadNext();
const loaded = fans.ids().length;
await leave();
await untilTrue(() => fans.ids()[0] !== 'newcomer');
const members = await fans.all();

const searches = { forward: { first: 20, last: null }, backward: { first: null, last: 20 } } as const;
const searched = async (direction: keyof typeof searches) => {
  const variables = { matching: 'CROWD', orderBy: 'NICK_ASC', ...searches[direction] };
  return paginate(searchFragment, await load(search, variables), direction).all();
};
const persisted: unknown[] = [];
const spy: Parameters<typeof subscribeOver>[0] = {
  subscribe(payload) {
    persisted.push(payload);
    return () => {};
  },
};
for (const text of [null, 'text']) {
  // Its types do not know that the compiler keeps the text beside the id where it is told to.
  const request = { ...events.params, id: 'abc', text } as RequestParameters;
  (subscribeOver(spy)(request, { userId: 'star' }, {}) as Observable<unknown>).subscribe({});
}
const rest = {
  persisted,
  shownAtOnce,
  caught,
  event: { newcomer, fansCount, loaded },
  knownFans: await paginate(knownFansFragment, star).all(),
  searched: [await searched('forward'), await searched('backward')],
};
told({ button, members, afterEvent, rest });
