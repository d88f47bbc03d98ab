// Apollo Client with its normalized cache, in front of the gateway; most of its operations are those of `schema/operations`.
import { CombinedGraphQLErrors, gql, type TypedDocumentNode } from '@apollo/client/core';
import { filter, firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { showFollowEvent } from '../../schema/client/apollo.ts';
import {
  FansScreenDocument,
  FollowEventsDocument,
  FollowsScreenDocument,
  KnownFansDocument,
  SearchFollowsDocument,
} from '../../schema/documents.ts';
import { openClient } from '../subscriptions/sockets.ts';
import { change, LISTS, type List, loadAll, openStar, openSubscriptions, SORTED, type Star } from './lists.ts';
import { openApollo } from './open-apollo.ts';

type Page = {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};
type Screen = { user: Partial<Record<List, Page | null>> | null };
type Variables = { userId?: string | number; first?: number | null; after?: string | null };

/** The operation of `schema/operations` selects `nodes`, which a cache does not join. */
const MUTUALS: TypedDocumentNode<Screen, Variables> = gql`
  query Mutuals($userId: ID!, $first: Int, $after: String) {
    user(id: $userId) {
      id
      mutuals(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
    }
  }
`;

const SCREENS: Record<List, TypedDocumentNode<Screen, Variables>> = {
  fans: FansScreenDocument,
  follows: FollowsScreenDocument,
  mutuals: MUTUALS,
  knownFans: KnownFansDocument,
};

/** A list as it is in the cache, loaded page by page. */
async function openScreen(star: Star, list: List, options: Parameters<typeof openApollo>[1] = {}) {
  const { client, methods } = openApollo(star, { viewer: 'anna', ...options });
  const screen = client.watchQuery({ query: SCREENS[list], variables: { userId: 'star', first: 20 } });
  const watching = screen.subscribe({});
  onTestFinished(() => watching.unsubscribe());
  const loaded = () => firstValueFrom(screen.pipe(filter(({ loading }) => !loading)));
  await loaded();
  const page = (): Page => {
    const { user } = (screen.getCurrentResult().data ?? {}) as Partial<Screen>;
    const found = user?.[list];
    if (!found) throw new Error(`The cache has no ${list}.`);
    return found;
  };
  const loadAfter = async (after: string | null | undefined) => {
    await screen.fetchMore({ variables: { after } });
    await loaded();
  };
  return {
    methods,
    ids: () => page().edges.map(({ node }) => node.id),
    cursors: () => page().edges.map(({ cursor }) => cursor),
    hasNext: () => page().pageInfo.hasNextPage,
    loadNext: () => loadAfter(page().pageInfo.endCursor),
    loadAfter,
  };
}

test('a fragment on an interface is read from the cache', async () => {
  const star = await openStar();
  const { client } = openApollo(star);
  const query = gql`{ node(id: "star") { ...Identity } } fragment Identity on Node { id }`;
  const { data } = await client.query<unknown>({ query });
  expect(data).toEqual({ node: { __typename: 'User', id: 'star' } });
});

test.each(LISTS)('%s are paged by GET to the end: everybody once, in order', async (list) => {
  const star = await openStar();
  const screen = await openScreen(star, list, { useGETForQueries: true });
  const members = star.membersOf(list);
  await loadAll(screen);
  expect(screen.ids()).toEqual(members);
  expect(screen.methods).toEqual(Array(Math.ceil(members.length / 20)).fill('GET'));
});

test('a list that is searched and sorted is paged backward, and kept apart from the same list in another order', async () => {
  const star = await openStar();
  const { client } = openApollo(star);
  await client.query({ query: SearchFollowsDocument, variables: { userId: 'star', first: 20 } });
  await client.query({ query: SearchFollowsDocument, variables: SORTED });
  const screen = client.watchQuery({ query: SearchFollowsDocument, variables: SORTED });
  const watching = screen.subscribe({});
  onTestFinished(() => watching.unsubscribe());
  const list = () => client.readQuery({ query: SearchFollowsDocument, variables: SORTED })?.user?.follows;
  await loadAll({
    hasNext: () => list()?.pageInfo.hasPreviousPage ?? false,
    loadNext: () => screen.fetchMore({ variables: { before: list()?.pageInfo.startCursor } }),
  });
  expect(list()?.edges.map(({ node }) => node.id)).toEqual(star.sortedFollows());
});

test('a list that is loaded again from its middle goes on there', async () => {
  const star = await openStar();
  const { ids, loadNext, loadAfter, cursors } = await openScreen(star, 'fans');
  await loadNext();
  star.clock.advance(31_000);
  await loadAfter(cursors()[9]);
  expect(ids()).toEqual(star.membersOf('fans').slice(0, 30));
});

test('a subscription over WebSocket tells of new fans, who show in the list, its total, and everywhere, and of lost ones', async () => {
  const star = await openStar();
  const { client } = openApollo(star, { socket: openClient(star, { 'x-viewer-id': 'anna' }) });
  const screen = { query: FansScreenDocument, variables: { userId: 'star', first: 20 } };
  const fans = () => client.readQuery(screen)?.user?.fans;
  const ids = () => fans()?.edges.map(({ node }) => node.id);
  const searched: TypedDocumentNode<{ user: { fans: { totalCount: number; edges: unknown[] } } }> = gql`
    query Searched { user(id: "star") { id fans(matching: "345") { totalCount edges { node { id } } } } }
  `;
  await client.query(screen);
  await client.query({ query: searched });
  const told: unknown[] = [];
  const events = client.subscribe({ query: FollowEventsDocument, variables: { userId: 'star' } });
  const listening = events.subscribe(({ data, error }) => {
    const event = data?.followEvents;
    told.push(error ?? event);
    if (event) showFollowEvent(client.cache, event);
  });
  onTestFinished(() => listening.unsubscribe());
  await expect.poll(() => openSubscriptions(star)).toBe(1);
  star.sandbox.world.importAccount('newcomer', { Tag_Profile_IM_Nick: 'Newcomer' });

  await change(star, 'newcomer', 'follow');
  await expect.poll(() => told).toMatchObject([{ __typename: 'FanGained', user: { nick: 'Newcomer' } }]);
  expect(client.cache.extract()).toMatchObject({ 'User:newcomer': { nick: 'Newcomer' } });
  expect(fans()).toMatchObject({ totalCount: 346, edges: { 0: { followedAt: expect.any(String) } } });
  expect(ids()).toEqual(star.membersOf('fans').slice(0, 21));
  expect(client.readQuery({ query: searched })?.user.fans).toMatchObject({ totalCount: 346, edges: [{}] });

  await change(star, 'newcomer', 'unfollow');
  await expect.poll(() => fans()?.totalCount).toBe(345);
  expect(ids()).toEqual(star.membersOf('fans').slice(0, 20));
});

test.each(['GET', 'POST'])(
  'an error by %s keeps its code, and with errorPolicy all the rest is shown',
  async (method) => {
    const star = await openStar();
    const { client } = openApollo(star, { useGETForQueries: method === 'GET' });
    const forged = { query: FansScreenDocument, variables: { userId: 'star', after: 'nonsense' } };
    const error = await client.query(forged).catch((caught: unknown) => caught);
    expect(CombinedGraphQLErrors.is(error) && error.errors).toMatchObject([
      { path: ['user', 'fans'], extensions: { code: 'INVALID_CURSOR' } },
    ]);
    const partial = await client.query({ ...forged, errorPolicy: 'all', fetchPolicy: 'no-cache' });
    expect(partial.data).toMatchObject({ user: { id: 'star', fans: null } });
  },
);
