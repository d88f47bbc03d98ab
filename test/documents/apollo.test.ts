// Apollo Client's own link for persisted queries, in front of a gateway that keeps what it is sent, and of one that does not.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { expect, onTestFinished, test } from 'vitest';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { directoryOf, hashOf } from './asking.ts';

// As the client sends it: it asks for type names wherever it can.
const TEXT = 'query Star {\n  user(id: "star") {\n    id\n    __typename\n  }\n}';
const ANSWER = { user: { __typename: 'User', id: 'star' } };

/** A client that asks by hash, and the methods with which it has asked. */
function openClient({ url }: TestGateway) {
  const methods: string[] = [];
  const http = new HttpLink({
    uri: `${url}/graphql`,
    fetch(input, init) {
      methods.push(init?.method ?? 'GET');
      return fetch(input, init);
    },
  });
  const link = new PersistedQueryLink({ sha256: hashOf, useGETForHashedQueries: true }).concat(http);
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  onTestFinished(() => client.stop());
  const ask = async () => (await client.query({ query: gql(TEXT), fetchPolicy: 'network-only' })).data;
  return { ask, methods };
}

const AUTOMATIC = { AUTOMATIC_PERSISTED_QUERIES: 'on' };
const trusted = () => ({
  TRUSTED_DOCUMENTS: 'strict',
  TRUSTED_DOCUMENTS_PATH: directoryOf({ 'star.graphql': TEXT }),
});

test.each<[title: string, env: () => Record<string, string>, methods: string[], ofSecond: string[]]>([
  ['with automatic persisted queries the text is sent once', () => AUTOMATIC, ['GET', 'POST', 'GET'], ['GET']],
  ['with a trusted document no text is ever sent', trusted, ['GET', 'GET'], ['GET']],
  [
    'with neither, the client learns at once that texts are wanted',
    () => ({}),
    ['GET', 'POST', 'POST'],
    ['GET', 'POST'],
  ],
])('%s', async (_title, env, methods, ofSecond) => {
  const gateway = await openGateway({ env: env(), sandbox: { emptyWorld: true } });
  const first = openClient(gateway);
  for (let i = 0; i < 2; i++) expect(await first.ask()).toEqual(ANSWER);
  expect(first.methods).toEqual(methods);
  const second = openClient(gateway);
  expect(await second.ask()).toEqual(ANSWER);
  expect(second.methods).toEqual(ofSecond);
});
