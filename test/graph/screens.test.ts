// Every operation of schema/operations, typed as clients get it, against the seeded world.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { expect, test } from 'vitest';
import * as documents from '../../schema/documents.ts';
import { openHouse } from '../support/house.ts';

async function ask<Result, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
) {
  const house = await openHouse({ env: { PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood' } });
  const data = await house.data<Result>(print(document), variables);
  return { data, calls: house.sandbox.calls.summary() };
}

test('the fans screen shows names for one list call, one for the counts and one for the user’s own name', async () => {
  const { data, calls } = await ask(documents.FansScreenDocument, { userId: 'star_100k', first: 50 });
  expect(data.user?.fans?.totalCount).toBe(100_000);
  expect(data.user?.fans?.edges).toHaveLength(50);
  expect(data.user?.fans?.pageInfo.hasNextPage).toBe(true);
  expect(Object.keys(calls).sort()).toEqual(['follow_get', 'follow_get_info', 'portrait_get']);
});

test('the follows screen shows whom a user follows', async () => {
  const { data } = await ask(documents.FollowsScreenDocument, { userId: 'UserID_001' });
  expect(data.user?.follows?.edges.map(({ node }) => node.id).sort()).toEqual([
    'star_100k',
    'user_00001',
    'user_00002',
    'user_00003',
  ]);
});

test('the mutuals screen shows who follows and is followed', async () => {
  const { data } = await ask(documents.MutualsScreenDocument, { userId: 'star_100k', first: 100 });
  expect(data.user?.mutuals?.nodes).toHaveLength(50);
  expect(data.user?.mutuals?.totalCount).toBe(50);
});

test('the profile header shows a profile and three counts for two calls', async () => {
  const { data, calls } = await ask(documents.ProfileHeaderDocument, { userId: 'UserID_002' });
  expect(data.user).toMatchObject({
    nick: 'NickNameTest2',
    allowType: 'DENY_ANY',
    customFields: [{ key: 'Test', value: 'Custom Data2' }],
    fansCount: 0,
    followsCount: 1,
    mutualsCount: 0,
  });
  expect(Object.values(calls).map(({ received }) => received)).toEqual([1, 1]);
});

test('people by id come in the order asked for', async () => {
  const { data } = await ask(documents.PeopleByIdDocument, { userIds: ['UserID_003', 'hermit', 'UserID_002'] });
  expect(data.users.map((user) => user?.id)).toEqual(['UserID_003', 'hermit', 'UserID_002']);
});

test('a node is fetched again with its raw items', async () => {
  const { data } = await ask(documents.RefetchNodeDocument, { id: 'UserID_003' });
  expect(data.node).toMatchObject({ id: 'UserID_003', __typename: 'User', nick: 'NickNameTest3' });
});

test('every operation has a document', () => {
  expect(Object.keys(documents).filter((name) => name.endsWith('Document'))).toHaveLength(6);
});
