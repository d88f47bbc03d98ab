// Automatic persisted queries, as Apollo's clients ask for them: by hash first, and with the text where that is not known.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { expect, onTestFinished, test } from 'vitest';
import { expectRefused } from '../http/requests.ts';
import { openClient } from '../subscriptions/sockets.ts';
import { openGateway, type Replica, type TestGateway } from '../support/gateway.ts';
import { directoryOf, getJson, hashOf, postJson } from './asking.ts';

const QUERY = 'query One { user(id: "star") { id } }';
const ANSWER = { data: { user: { id: 'star' } } };
const NOT_FOUND = {
  errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
};

const hashed = (text: string, hash = hashOf(text)) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: hash } },
});
const openAutomatic = () => openGateway({ env: { AUTOMATIC_PERSISTED_QUERIES: 'on' } });
const byHash = async (replica: Pick<Replica, 'url'>) => (await getJson(replica, hashed(QUERY))).json();
const byText = async (replica: Pick<Replica, 'url'>) =>
  (await postJson(replica, { query: QUERY, ...hashed(QUERY) })).json();

test('a text that came once with its hash answers to the hash from then on, by GET, POST and WebSocket', async () => {
  const gateway = await openAutomatic();
  expect(await byHash(gateway)).toEqual(NOT_FOUND);
  expect(await byText(gateway)).toEqual(ANSWER);
  expect(await byHash(gateway)).toEqual(ANSWER);
  for (const form of [hashed(QUERY), { documentId: `sha256:${hashOf(QUERY)}` }]) {
    expect(await (await postJson(gateway, form)).json()).toEqual(ANSWER);
    expect(
      await openClient(gateway)
        .iterate({ query: '', ...form })
        .next(),
    ).toMatchObject({ value: ANSWER });
  }
});

test('a text under a hash that is not its own is refused, and not kept', async () => {
  const gateway = await openAutomatic();
  const wrong = hashed(QUERY, hashOf('{ __typename }'));
  await expectRefused(gateway, await postJson(gateway, { query: QUERY, ...wrong }), 400);
  expect(await (await postJson(gateway, wrong)).json()).toEqual(NOT_FOUND);
});

test.each([
  ['cannot be parsed', '{ user(', { errors: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }] }],
  ['does not fit the schema', '{ peoples }', { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }],
  ['is above 16 kB, and runs,', `# ${'x'.repeat(17_000)}\n{ __typename }`, { data: { __typename: 'Query' } }],
])('a text that %s is not kept', async (_title, text, answer) => {
  const gateway = await openAutomatic();
  expect(await (await postJson(gateway, { query: text, ...hashed(text) })).json()).toMatchObject(answer);
  expect(await (await postJson(gateway, hashed(text))).json()).toEqual(NOT_FOUND);
});

test('each replica knows what it was told itself, and asks for the rest', async () => {
  const gateway = await openAutomatic();
  const other = await gateway.openReplica();
  expect(await byText(gateway)).toEqual(ANSWER);
  expect(await byHash(other)).toEqual(NOT_FOUND);
  expect(await byText(other)).toEqual(ANSWER);
  expect(await byHash(other)).toEqual(ANSWER);
});

test('many texts do not fill the memory: the oldest are asked for again', async () => {
  const gateway = await openAutomatic();
  expect(await byText(gateway)).toEqual(ANSWER);
  const long = `# ${'x'.repeat(16_000)}\n`;
  for (let i = 0; i < 130; i++) {
    const query = `${long}{ a${i}: __typename }`;
    expect((await postJson(gateway, { query, ...hashed(query) })).status).toBe(200);
  }
  expect(await byHash(gateway)).toEqual(NOT_FOUND);
});

// As the client sends it: it asks for type names wherever it can.
const TEXT = 'query Star {\n  user(id: "star") {\n    id\n    __typename\n  }\n}';
const STAR = { user: { __typename: 'User', id: 'star' } };

/** A client that asks by hash, and the methods with which it has asked. */
function openApollo({ url }: TestGateway) {
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
  const gateway = await openGateway({ env: env() });
  const first = openApollo(gateway);
  for (let i = 0; i < 2; i++) expect(await first.ask()).toEqual(STAR);
  expect(first.methods).toEqual(methods);
  const second = openApollo(gateway);
  expect(await second.ask()).toEqual(STAR);
  expect(second.methods).toEqual(ofSecond);
});
