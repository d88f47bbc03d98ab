// urql with its document cache, in front of the gateway; its operations are those of `schema/operations`.
import { Client, type ClientOptions, cacheExchange as documentCache, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { expect, onTestFinished, test } from 'vitest';
import { graphcache } from '../../schema/client/urql.ts';
import {
  FansScreenDocument,
  FollowUsersDocument,
  SearchFollowsDocument,
  ViewerScreenDocument,
} from '../../schema/documents.ts';
import { loadAll, openStar, SORTED, type Star } from './lists.ts';

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

test.each(['GET', 'POST'])('a list is paged by %s to the end: everybody once, in order', async (method) => {
  const star = await openStar();
  const { client, methods } = openUrql(star, { preferGetMethod: method === 'GET' });
  const ids: string[] = [];
  const pageAfter = async (after: string | null) =>
    (await client.query(FansScreenDocument, { userId: 'star', first: 20, after })).data?.user?.fans;
  for (let after: string | null | undefined = null; after !== undefined; ) {
    const page = await pageAfter(after);
    ids.push(...(page?.edges.map(({ node }) => node.id) ?? []));
    after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
  }
  expect(ids).toEqual(star.membersOf('fans'));
  expect(methods).toEqual(Array(Math.ceil(ids.length / 20)).fill(method));
});

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
