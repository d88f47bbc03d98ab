// urql with its document cache, in front of the gateway; its operations are those of `schema/operations`.
import {
  Client,
  type ClientOptions,
  cacheExchange,
  fetchExchange,
  subscriptionExchange,
  type TypedDocumentNode,
} from '@urql/core';
import type { Entity } from '@urql/exchange-graphcache';
import { cacheExchange as graphcache } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  FansScreenDocument,
  FollowEventsDocument,
  FollowsScreenDocument,
  KnownFansDocument,
  MutualsScreenDocument,
  SearchFollowsDocument,
} from '../../schema/documents.ts';
import { openClient } from '../live/sockets.ts';
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
    exchanges: [cacheExchange, fetchExchange],
    fetch(input, init) {
      methods.push(init?.method ?? 'GET');
      return fetch(input, init);
    },
    ...options,
  });
  return { client, methods };
}

/** A list, loaded page by page and put together by whoever shows it. */
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
      way === 'WebSocket' ? { exchanges: [cacheExchange, fetchExchange, overSocket] } : { fetchSubscriptions: true },
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

test('Graphcache joins pages, and asks for the fans again when there is a new one', async () => {
  const star = await openStar();
  const cache = graphcache({
    keys: { CustomField: () => null, ProfileItem: () => null },
    resolvers: { User: { fans: relayPagination() } },
    updates: {
      Subscription: {
        followEvents: ({ followEvents }, _args, store) => store.invalidate((followEvents as { owner?: Entity }).owner),
      },
    },
  });
  const { client } = openUrql(star, { exchanges: [cache, fetchExchange], fetchSubscriptions: true });
  const shown: string[][] = [];
  const show = (after: string | null) =>
    client.query(FansScreenDocument, { userId: 'star', first: 20, after }).subscribe(({ data }) => {
      shown.push(data?.user?.fans?.edges.map(({ node }) => node.id) ?? []);
    });
  const first = await client.query(FansScreenDocument, { userId: 'star', first: 20 });
  const screens = [show(null), show(first.data?.user?.fans?.pageInfo.endCursor ?? null)];
  const listening = client.subscription(FollowEventsDocument, { userId: 'star' }).subscribe(() => {});
  onTestFinished(() => {
    for (const each of [...screens, listening]) each.unsubscribe();
  });
  await expect.poll(() => shown.at(-1)).toEqual(star.membersOf('fans').slice(0, 40));
  await expect.poll(() => openSubscriptions(star)).toBe(1);
  star.sandbox.world.importAccount('newcomer');
  await change(star, 'newcomer', 'follow');
  await expect.poll(() => shown.at(-1)?.[0]).toBe('newcomer');
});

test('Graphcache joins the pages of a list that is searched, sorted and paged backward', async () => {
  const star = await openStar();
  const cache = graphcache({ resolvers: { User: { follows: relayPagination() } } });
  const { client } = openUrql(star, { exchanges: [cache, fetchExchange] });
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
