// urql with Graphcache, in front of the gateway, as far as the app of test/contract does not have it.
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { expect, onTestFinished, test } from 'vitest';
import { graphcache } from '../../schema/client/urql.ts';
import { FollowUsersDocument, SearchFollowsDocument, ViewerScreenDocument } from '../../schema/documents.ts';
import { loadAll, openStar, SORTED } from './lists.ts';

/** A star, and a client that asks as anna with the settings of the contract's package. */
async function openUrql() {
  const star = await openStar();
  const fetchOptions = { headers: { 'x-viewer-id': 'anna' } };
  const exchanges = [cacheExchange(graphcache), fetchExchange];
  return { star, client: new Client({ url: `${star.url}/graphql`, fetchOptions, exchanges }) };
}

test('Graphcache asks for the viewer’s lists again after a change', async () => {
  const { star, client } = await openUrql();
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
  const { star, client } = await openUrql();
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
