// Trusted documents: which run, by which names, over which ways; and what becomes of all others.
import { readFileSync } from 'node:fs';
import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { expectRefused, get, logged } from '../http/requests.ts';
import { ask, openClient } from '../subscriptions/sockets.ts';
import { createHastyClock } from '../support/clock.ts';
import { openEventStream } from '../support/event-stream.ts';
import { type Answer, openGateway, type TestGateway } from '../support/gateway.ts';
import { counted, scrape } from '../telemetry/scrape.ts';
import { directoryOf, FORMS, getJson, hashOf, parametersOf, postJson } from './asking.ts';

const printed = (name: string) =>
  print(parse(readFileSync(new URL(`../../schema/operations/${name}`, import.meta.url), 'utf8')));
const PEOPLE = printed('05-people-by-id.graphql');
const FOLLOW = printed('11-follow-users.graphql');
const EVENTS = printed('21-follow-events.graphql');
const UNKNOWN = 'query Unknown { user(id: "star") { nick } }';
const VARIABLES = { userIds: ['star'] };
const ANSWER = { data: { users: [{ id: 'star', nick: null, avatar: null }] } };

async function openStrict(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const settings = { TRUSTED_DOCUMENTS: 'strict', AUTH: 'development', METRICS_PORT: '0', ...env };
  const gateway = await openGateway({ env: settings, clock });
  for (const id of ['star', 'anna']) gateway.sandbox.world.importAccount(id);
  return { ...gateway, clock };
}

/** The first answer over a WebSocket. */
async function firstBySocket(gateway: TestGateway, request: object): Promise<unknown> {
  const answers = openClient(gateway).iterate({ query: '', ...request });
  return (await answers.next()).value;
}
const told = { hash: hashOf(UNKNOWN), operationName: 'Unknown' };
const warnings = (gateway: TestGateway) =>
  logged(gateway).filter(({ level, hash }) => level === 40 && hash !== undefined);

describe('in strict mode', () => {
  const wholeText: (typeof FORMS)[number] = ['its whole text', () => ({ query: PEOPLE })];
  test.each([...FORMS, wholeText])('a known document runs by %s, over POST, GET and WebSocket', async (_, named) => {
    const gateway = await openStrict();
    const request = { ...named(hashOf(PEOPLE)), variables: VARIABLES };
    for (const send of [postJson, getJson]) expect(await (await send(gateway, request)).json()).toEqual(ANSWER);
    expect(await firstBySocket(gateway, request)).toEqual(ANSWER);
  });

  test.each(FORMS)('a known subscription runs by %s, over WebSocket and as a stream', async (_, named) => {
    const gateway = await openStrict();
    const request = { ...named(hashOf(EVENTS)), variables: { userId: 'star' } };
    const stream = await openEventStream(`${gateway.url}/graphql?${new URLSearchParams(parametersOf(request))}`);
    const first = firstBySocket(gateway, request);
    const open = 'open_subscriptions{transport="websocket"}';
    await expect.poll(async () => (await scrape(gateway))[open]).toBe(1);
    await gateway.as('anna').data(FOLLOW, { input: { userIds: ['star'] } });
    const event = { data: { followEvents: expect.objectContaining({ __typename: 'FanGained' }) } };
    expect(await stream.answer()).toEqual(event);
    expect(await first).toEqual(event);
  });

  test('an unknown document is refused before anything looks into it, over POST, GET, WebSocket and as a stream', async () => {
    const gateway = await openStrict();
    // It cannot be parsed: a look into it would say so.
    for (const query of [UNKNOWN, 'not even GraphQL {']) {
      for (const send of [postJson, getJson]) {
        for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
          const response = await send(gateway, { query }, { accept });
          expect(response.status).toBe(400);
          expect(await response.text()).toContain('DOCUMENT_NOT_TRUSTED');
        }
      }
      const refusal = ask(openClient(gateway), query);
      const extensions = { code: 'DOCUMENT_NOT_TRUSTED' };
      await expect(refusal).rejects.toEqual([{ message: expect.any(String), extensions }]);
    }
    expect(gateway.sandbox.calls.count()).toBe(0);
  });

  test.each(FORMS)('an unknown document is refused although its hash as %s is right', async (_form, named) => {
    const gateway = await openStrict();
    const response = await postJson(gateway, { query: UNKNOWN, ...named(hashOf(UNKNOWN)) });
    await expectRefused(gateway, response, 400, 'DOCUMENT_NOT_TRUSTED');
  });

  test('a known mutation runs by POST, and is 405 by GET', async () => {
    const gateway = await openStrict();
    const request = { documentId: hashOf(FOLLOW), variables: { input: { userIds: ['star'] } } };
    const refused = await getJson(gateway, request, { 'x-viewer-id': 'anna' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    expect(gateway.sandbox.world.list('star', 'fans')).toEqual([]);
    const done = await postJson(gateway, request, { 'x-viewer-id': 'anna' });
    expect(((await done.json()) as Answer).errors).toBeUndefined();
    expect(gateway.sandbox.world.list('star', 'fans')).toMatchObject([{ id: 'anna' }]);
  });

  test('what GraphiQL opens with is a known document', async () => {
    const gateway = await openStrict();
    const page = await get(gateway, {}, { headers: { accept: 'text/html' } });
    const [, text = ''] = /"defaultTabs":\[\{"query":("(?:[^"\\]|\\.)+")/.exec(await page.text()) ?? [];
    const request = { query: JSON.parse(text), variables: { userId: 'star' } };
    expect(await (await postJson(gateway, request)).json()).toMatchObject({ data: { user: { id: 'star' } } });
  });

  test('however many documents a client makes up, few of them are told of', async () => {
    const gateway = await openStrict();
    for (let i = 0; i < 150; i++) await postJson(gateway, { query: `{ a${i}: __typename }` });
    expect(warnings(gateway)).toHaveLength(100);
  });
});

test.each([
  ['strict', 'refused', 'refused'],
  ['log', 'unknown', 'asked for'],
])(
  'in %s mode unknown documents are counted as %s, and told of once in a while, by hash and name',
  async (mode, outcome, word) => {
    const gateway = await openStrict({ TRUSTED_DOCUMENTS: mode });
    const unknown = mode === 'log' ? { data: { user: { nick: null } } } : { errors: [{ message: expect.any(String) }] };
    for (let i = 0; i < 3; i++)
      expect(await (await postJson(gateway, { query: UNKNOWN, operationName: 'Unknown' })).json()).toMatchObject(
        unknown,
      );
    await ask(openClient(gateway), UNKNOWN).catch(() => {});
    await postJson(gateway, { documentId: hashOf(PEOPLE), variables: VARIABLES });
    await postJson(gateway, { query: PEOPLE, variables: VARIABLES });
    const samples = await scrape(gateway);
    expect(counted(samples, 'documents_total')).toEqual({ [`{outcome="${outcome}"}`]: 4, '{outcome="trusted"}': 2 });
    expect(warnings(gateway)).toMatchObject([{ ...told, msg: expect.stringContaining(word) }]);
    expect(gateway.logLines.join('')).not.toContain('nick');
    gateway.clock.advance(600_000);
    await postJson(gateway, { query: UNKNOWN });
    expect(warnings(gateway)).toHaveLength(2);
  },
);

describe.each(['strict', 'log'])('in %s mode', (mode) => {
  test.each(FORMS)('an unknown id by %s is answered in the words of Apollo’s protocol', async (_form, named) => {
    const gateway = await openStrict({ TRUSTED_DOCUMENTS: mode });
    const refused = { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } };
    for (const send of [postJson, getJson]) {
      for (const [accept, status] of [
        ['application/json', 200],
        ['application/graphql-response+json', 400],
      ] as const) {
        const response = await send(gateway, named(hashOf(UNKNOWN)), { accept });
        expect(response.status).toBe(status);
        expect(await response.json()).toEqual({ errors: [refused] });
      }
    }
    const answers = openClient(gateway).iterate({ query: '', ...named(hashOf(UNKNOWN)) });
    await expect(answers.next()).rejects.toEqual([refused]);
    expect(gateway.sandbox.calls.count()).toBe(0);
  });
});

test.each(FORMS)('without any of it, a hash as %s is answered by saying that texts are wanted', async (_, named) => {
  const gateway = await openStrict({ TRUSTED_DOCUMENTS: 'off' });
  const response = await postJson(gateway, named(hashOf(PEOPLE)));
  await expectRefused(gateway, response, 200, 'PERSISTED_QUERY_NOT_SUPPORTED');
  const whole = await postJson(gateway, { query: PEOPLE, variables: VARIABLES, ...named(hashOf(PEOPLE)) });
  expect(await whole.json()).toEqual(ANSWER);
});

test.each([
  ['an id that is not that of the text', { query: UNKNOWN, documentId: hashOf(PEOPLE) }],
  ['a hash that is not that of the text', { query: UNKNOWN, ...FORMS[3]?.[1](hashOf(PEOPLE)) }],
  ['two ids that differ', { documentId: hashOf(PEOPLE), doc_id: hashOf(UNKNOWN) }],
  ['an id that is no string', { documentId: 7 }],
  ['an empty id', { doc_id: '' }],
  ['an id that is very long', { documentId: 'a'.repeat(201) }],
  ['a text that is no string', { query: 7, documentId: hashOf(PEOPLE) }],
  ['another version of Apollo’s', { extensions: { persistedQuery: { version: 2, sha256Hash: hashOf(PEOPLE) } } }],
  ['Apollo’s protocol without a hash', { extensions: { persistedQuery: { version: 1 } } }],
  ['an unknown member beside an id', { query: PEOPLE, documentId: hashOf(PEOPLE), documents: [] }],
])('%s is a bad request in every mode', async (_title, body) => {
  for (const mode of ['off', 'log', 'strict']) {
    const gateway = await openStrict({ TRUSTED_DOCUMENTS: mode });
    await expectRefused(gateway, await postJson(gateway, body), 400);
  }
});

test('a document of the deployer’s own runs by its own id, and by the hash of its text as it is and as it is printed', async () => {
  const text = '{ users(ids: ["star"]) { id  nick avatar } }';
  const path = directoryOf({ 'app.json': { 'my-id': text } });
  const gateway = await openStrict({ TRUSTED_DOCUMENTS_PATH: path });
  const texts = [text, print(parse(text))];
  for (const request of [
    ...['my-id', ...texts.map(hashOf)].map((documentId) => ({ documentId })),
    ...texts.flatMap((query) => [{ query }, { query, doc_id: 'my-id' }]),
  ])
    expect(await (await postJson(gateway, request)).json()).toEqual(ANSWER);
});
