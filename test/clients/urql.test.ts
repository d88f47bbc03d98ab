// urql with its document cache, in front of the gateway; its operations are those of `schema/operations`.
import {
  Client,
  type ClientOptions,
  cacheExchange as documentCache,
  fetchExchange,
  subscriptionExchange,
  type TypedDocumentNode,
} from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { describe, expect, onTestFinished, test } from 'vitest';
import { graphcache } from '../../schema/client/urql.ts';
import {
  FansScreenDocument,
  FollowEventsDocument,
  FollowsScreenDocument,
  FollowUsersDocument,
  KnownFansDocument,
  MutualsScreenDocument,
  SearchFollowsDocument,
  ViewerScreenDocument,
} from '../../schema/documents.ts';
import { openClient } from '../subscriptions/sockets.ts';
import { change, LISTS, type List, loadAll, openStar, openSubscriptions, SORTED, type Star } from './lists.ts';

type Person = { id: string };
type Page = {
  edges?: { node: Person }[];
  nodes?: Person[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};
type Screen = { user: Partial<Record<List, Page | null>> | null };
type Variables = { userId?: string | number; first?: number | null; after?: string | null };

const SCREENS: Record<List, TypedDocumentNode<Screen, Variables>> = {
  fans: FansScreenDocument,
  follows: FollowsScreenDocument,
  mutuals: MutualsScreenDocument,
  knownFans: KnownFansDocument,
};

/** A client that asks as anna, and the methods with which it has asked over HTTP. */
function openUrql({ url }: Pick<Star, 'url'>, options: Partial<ClientOptions> = {}) {
  const methods: string[] = [];
  const client = new Client({
    url: `${url}/graphql`,
    fetchOptions: { headers: { 'x-viewer-id': 'anna' } },
    exchanges: [documentCache, fetchExchange],
    fetch(input, init) {
      methods.push(init?.method ?? 'GET');
      return fetch(input, init);
    },
    ...options,
  });
  return { client, methods };
}

/** A list, loaded page by page and put together by the screen that shows it. */
async function openScreen(star: Star, list: List, options?: Partial<ClientOptions>) {
  const { client, methods } = openUrql(star, options);
  const ids: string[] = [];
  let pageInfo: Page['pageInfo'] = { hasNextPage: true, endCursor: null };
  const loadNext = async () => {
    const variables = { userId: 'star', first: 20, after: pageInfo.endCursor };
    const { data, error } = await client.query(SCREENS[list], variables);
    const page = data?.user?.[list];
    if (!page) throw error ?? new Error(`There are no ${list}.`);
    ids.push(...(page.nodes ?? page.edges?.map(({ node }) => node) ?? []).map(({ id }) => id));
    pageInfo = page.pageInfo;
  };
  await loadNext();
  return { methods, ids, hasNext: () => pageInfo.hasNextPage, loadNext };
}

describe.each(LISTS)('%s', (list) => {
  test.each(['GET', 'POST'])('are paged by %s to the end: everybody once, in order', async (method) => {
    const star = await openStar();
    const screen = await openScreen(star, list, { preferGetMethod: method === 'GET' });
    const members = star.membersOf(list);

    await loadAll(screen);

    expect(screen.ids).toEqual(members);
    expect(screen.methods).toEqual(Array(Math.ceil(members.length / 20)).fill(method));
  });
});

test.each(['server-sent events', 'WebSocket'])(
  'a subscription over %s tells what happens, as it happens',
  async (way) => {
    const star = await openStar();
    const socket = openClient(star, { 'x-viewer-id': 'anna' });
    const overSocket = subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    });
    const { client } = openUrql(
      star,
      way === 'WebSocket' ? { exchanges: [documentCache, fetchExchange, overSocket] } : { fetchSubscriptions: true },
    );
    const told: unknown[] = [];
    const listening = client
      .subscription(FollowEventsDocument, { userId: 'star' })
      .subscribe(({ data, error }) => told.push(error ?? data?.followEvents));
    onTestFinished(() => listening.unsubscribe());
    await expect.poll(() => openSubscriptions(star)).toBe(1);
    const gained = (id: string) => ({ __typename: 'FanGained', user: { id } });

    for (const id of ['newcomer', 'latecomer']) {
      star.sandbox.world.importAccount(id);
      await change(star, id, 'follow');
    }

    await expect.poll(() => told).toMatchObject([gained('newcomer'), gained('latecomer')]);
    await change(star, 'newcomer', 'unfollow');
    await expect.poll(() => told.at(-1)).toMatchObject({ __typename: 'FanLost', user: { id: 'newcomer' } });
    listening.unsubscribe();
    await expect.poll(() => openSubscriptions(star)).toBe(0);
  },
);

test('Graphcache asks for the viewer’s lists again after a change', async () => {
  const star = await openStar();
  const { client } = openUrql(star, { exchanges: [cacheExchange(graphcache), fetchExchange] });
  let shown: string[] = [];
  const screen = client.query(ViewerScreenDocument, { first: 2 }).subscribe(({ data }) => {
    shown = data?.viewer?.follows?.edges.map(({ node }) => node.id) ?? [];
  });
  onTestFinished(() => screen.unsubscribe());
  const follows = () => star.sandbox.world.list('anna', 'follows').map(({ id }) => id);
  await expect.poll(() => shown).toEqual(follows().slice(0, 2));
  await client.mutation(FollowUsersDocument, { input: { userIds: ['idol_1'] } });
  await expect.poll(() => shown).toEqual(['idol_1', follows()[1]]);
});

test('Graphcache joins the pages of a list that is searched, sorted and paged backward', async () => {
  const star = await openStar();
  const { client } = openUrql(star, { exchanges: [cacheExchange(graphcache), fetchExchange] });
  let shown: string[] = [];
  let before: string | null | undefined = null;
  const loadNext = async () => {
    const { data } = await client.query(SearchFollowsDocument, { ...SORTED, before });
    const follows = data?.user?.follows;
    shown = follows?.edges.map(({ node }) => node.id) ?? [];
    before = follows?.pageInfo.hasPreviousPage ? follows.pageInfo.startCursor : undefined;
  };
  await loadNext();
  await loadAll({ hasNext: () => before !== undefined, loadNext });
  expect(shown).toEqual(star.sortedFollows());
});
