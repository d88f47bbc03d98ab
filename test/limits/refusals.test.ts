// Requests that ask for too much are refused before anything runs: with 400, a code, and no call to the upstream.
import { describe, expect, test } from 'vitest';
import { codesOf, openEmptyGateway, post, readRefusal } from '../http/requests.ts';
import { ask as askBySocket, openClient } from '../subscriptions/sockets.ts';
import { subscribe } from '../support/event-stream.ts';
import { openGateway } from '../support/gateway.ts';

const many = (count: number, make: (n: number) => string) => Array.from({ length: count }, (_, n) => make(n)).join(' ');
/** Variables as JSON: what is nested so deep cannot be written as JSON from here either. */
const nested = (depth: number, open = '[', close = ']') =>
  `{"id":"a","x":${open.repeat(depth)}1${close.repeat(depth)}}`;

const ID = 'query ($id: ID!) { user(id: $id) { id } }';

describe('refused with OPERATION_TOO_EXPENSIVE and HTTP 400, without a call:', () => {
  test.each<[title: string, query: string, says: string, variables?: string]>([
    ['600 aliases', `{ ${many(600, (n) => `a${n}:id`)} }`, '100 aliases'],
    ['aliases of fields deep inside', `{ user(id: "a") { ${many(101, (n) => `a${n}: nick`)} } }`, '100 aliases'],
    ['51 directives', `{ ${many(51, () => '__typename @include(if: true)')} }`, '50 directives'],
    ['a field many times', `{ user(id: "a") { ${many(402, () => 'id')} } }`, 'repeats a field'],
    ['a fragment many times', `{ ${many(401, () => '...A')} } fragment A on Query { __typename }`, 'repeats a field'],
    [
      'lists of lists',
      '{ user(id: "a") { fans(first: 100) { nodes { fans(first: 3) { nodes { fans { nodes { id } } } } } } } }',
      'calls to the upstream',
    ],
    [
      'lists of lists by variables',
      'query ($n: Int = 100) { user(id: "a") { fans(first: $n) { nodes { fans(first: $n) { nodes { fans { nodes { id } } } } } } } }',
      'calls to the upstream',
    ],
    [
      'fragments that multiply',
      `{ user(id: "a") { ...F0 } } ${many(5, (n) => `fragment F${n} on User { ${many(10, (k) => `a${n}_${k}: fans(first: ${k + 1}) { nodes { ...F${n + 1} } }`)} }`)} fragment F5 on User { id }`,
      '5000 times with its fragments spread',
    ],
    [
      'relations of many members one by one',
      '{ user(id: "a") { fans(first: 100) { nodes { fans(first: 2) { nodes { relationTo(userId: "b") } } } } } }',
      '250 are allowed',
    ],
    [
      'known fans of a page of members',
      '{ user(id: "a") { fans(first: 50) { nodes { knownFans(first: 1) { count } } } } }',
      '250 are allowed',
    ],
    [
      'fragments side by side that spread all the others',
      `{ user(id: "a") { ...A0 } } ${many(20, (n) => `fragment A${n} on User { ${many(19 - n, (k) => `...A${n + k + 1}`)} id }`)}`,
      '5000 times with its fragments spread',
    ],
    [
      '10,000 fragments that spread each other in a row',
      `{ ...A0 } ${many(10_000, (n) => `fragment A${n} on Query { ...A${n + 1} }`)} fragment A10000 on Query { __typename }`,
      'spreads fragments',
    ],
    ['an alias of 101 letters', `{ ${'x'.repeat(101)}: __typename }`, '100 letters'],
    ['a text of 40,000 letters', `{ user(id: "${'x'.repeat(40_000)}") { id } }`, '32768 characters'],
    ['a text of 40,000 letters in a variable', ID, '32768 characters', `{"id":"${'x'.repeat(40_000)}"}`],
    ['introspection by 11 aliases', `{ ${many(11, (n) => `s${n}: __schema { types { name } }`)} }`, '20000 values'],
    [
      '30 aliases of a user, each with 30 aliases of a list of 100 that is cached',
      `{ ${many(30, (n) => `u${n}: user(id: "a") { ...L }`)} } fragment L on User { ${many(30, (n) => `l${n}: fans(first: 100) { nodes { id nick } }`)} }`,
      '100 aliases',
    ],
    [
      '90 aliases of one list of 100, which costs one call',
      `{ user(id: "a") { ${many(90, (n) => `l${n}: fans(first: 100) { nodes { id nick avatar } }`)} } }`,
      '20000 values',
    ],
    ['variables nested 5,000 lists deep', ID, '100 levels', nested(5000).replace('"a"', nested(5000))],
    ['variables nobody asked for', ID, '20 levels', nested(50)],
    [
      '40,000 values in variables',
      'query ($ids: [ID!]!) { users(ids: $ids) { id } }',
      '5000 values',
      `{"ids":[${'"a",'.repeat(40_000)}"a"]}`,
    ],
  ])('%s', async (_title, query, says, variables = '{}') => {
    const gateway = await openEmptyGateway({ AUTH: 'development', MAX_TOKENS: '100000' }, { maxBodyBytes: 1_000_000 });
    const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`;
    const response = await post(gateway, body, undefined, { 'x-viewer-id': 'anna' });
    expect(response.status).toBe(400);
    const answer = await readRefusal(gateway, response);
    expect(codesOf(answer)).toEqual(['OPERATION_TOO_EXPENSIVE']);
    expect(answer.errors?.[0]?.message).toContain(says);
  });
});

test('introspection is taken to answer with 10,000 values: two of them run, three do not', async () => {
  const gateway = await openEmptyGateway({ INTROSPECTION: 'on' });
  const bySchema = (times: number) => `{ ${many(times, (n) => `s${n}: __schema { queryType { name } }`)} }`;
  expect((await gateway.query(bySchema(2))).errors).toBeUndefined();
  expect(codesOf(await gateway.query(bySchema(3)))).toEqual(['OPERATION_TOO_EXPENSIVE']);
});

test('the values that an answer may hold are bounded, also when all of it is cached', async () => {
  const gateway = await openGateway({ config: { maxValues: 1000 }, sandbox: { emptyWorld: true } });
  gateway.sandbox.world.addFans('star', 30);
  const query = (fields: number) =>
    `{ user(id: "star") { fans(first: 100) { nodes { ${many(fields, (n) => `f${n}: nick`)} } } } }`;
  expect((await gateway.query(query(8))).errors).toBeUndefined();
  const { data, errors } = await gateway.query(query(11));
  expect([data, errors?.[0]?.extensions.code]).toEqual([undefined, 'OPERATION_TOO_EXPENSIVE']);
});

test('an answer that is too large is not sent', async () => {
  const gateway = await openGateway({ config: { maxResponseBytes: 2000 }, sandbox: { emptyWorld: true } });
  gateway.sandbox.world.addFans('star', 60);
  const query = '{ user(id: "star") { fans(first: 60) { nodes { id nick } } } }';
  const response = await gateway.send(query);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }] });
  expect((await gateway.send(query.replace('60', '10'))).status).toBe(200);
  const refused = { errors: [{ extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }] };
  const stream = await subscribe(gateway, query);
  expect(await stream.answer()).toMatchObject(refused);
  expect(await askBySocket(openClient(gateway), query)).toMatchObject(refused);
});

test('a subscription is refused for what one event would cost, and so is an operation over a WebSocket', async () => {
  const gateway = await openEmptyGateway({ MAX_UPSTREAM_CALLS: '5' });
  const below = 'fans(first: 20) { nodes { fans { nodes { id } } } }';
  const client = openClient(gateway);
  for (const operation of [
    `subscription { followEvents(userId: "a") { ... on FanGained { user { ${below} } } } }`,
    `{ user(id: "a") { ${below} } }`,
  ]) {
    const told = await askBySocket(client, operation).catch((errors) => ({ errors }));
    expect(told).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }] });
  }
  expect(gateway.sandbox.calls.count()).toBe(0);
});
