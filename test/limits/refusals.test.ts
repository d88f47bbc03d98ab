// Requests that ask for too much are refused before anything runs: with 400, a code, and no call to the upstream.
import { describe, expect, test } from 'vitest';
import { codesOf, openEmptyGateway, post, readRefusal } from '../http/requests.ts';
import { ask as askBySocket, openClient } from '../subscriptions/sockets.ts';
import { subscribe } from '../support/event-stream.ts';
import { ATTACKS } from './attack-set.ts';

const many = (count: number, make: (n: number) => string) => Array.from({ length: count }, (_, n) => make(n)).join(' ');
const nest = (open: string, inside: string, close: string, times = 20_000) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;
/** A selection on a user of that many levels. */
const below = (levels: number): string => {
  const pairs = Math.floor((levels - 1) / 2);
  return `{ ${nest('fans(first: 1) { nodes { ', levels % 2 === 0 ? 'fans { totalCount }' : 'id', ' } } ', pairs)} }`;
};
const ofUser = (selection: string) => `{ user(id: "a") { ${selection} } }`;
const fans = (first: number | string, ofEach: string) => `fans(first: ${first}) { nodes { ${ofEach} } }`;
const levels = (count: number) => `{ user(id: "a") ${below(count - 1)} }`;

const REFUSED = { message: expect.any(String), extensions: { code: 'OPERATION_TOO_EXPENSIVE' } };

const ID = 'query ($id: ID!) { user(id: $id) { id } }';

/** Runs the first operation of a document that names several. */
function bodyOf(query: string, variables = '{}'): string {
  const [, operationName] = /^query (\w+)/.exec(query) ?? [];
  const others = JSON.stringify({ query, operationName }).slice(0, -1);
  return `${others},"variables":${variables}}`;
}

test.each(Object.entries(ATTACKS))('refused, whatever it hurts: %s', async (_title, [query, variables]) => {
  const gateway = await openEmptyGateway();
  const accept = 'application/graphql-response+json';
  const response = await post(gateway, bodyOf(query, variables), undefined, { accept });
  expect(response.status).toBeGreaterThanOrEqual(400);
  const { errors } = await readRefusal(gateway, response);
  // What is told of mistakes is no way to have us write much.
  expect(errors?.length).toBeLessThanOrEqual(11);
});

/** Expects a refusal where limits are too wide to refuse what is merely long. */
async function expectTooExpensive(query: string, says: string, variables?: string, env?: Record<string, string>) {
  const gateway = await openEmptyGateway(
    { AUTH: 'development', MAX_TOKENS: '100000', ...env },
    { maxBodyBytes: 1_000_000 },
  );
  const response = await post(gateway, bodyOf(query, variables), undefined, { 'x-viewer-id': 'anna' });
  expect(response.status).toBe(400);
  const { errors } = await readRefusal(gateway, response);
  const extensions = { code: 'OPERATION_TOO_EXPENSIVE' };
  expect(errors).toMatchObject([{ message: expect.stringContaining(says), extensions }]);
}

test.each<[title: string, query: string, says: string, variables?: string]>([
  ['16 levels', levels(16), '15 levels'],
  ['16 levels in a fragment', `{ user(id: "a") { ...A } } fragment A on User ${below(15)}`, '15 levels'],
  ['16 levels in an operation beside the one to run', `query A { __typename } query B ${levels(16)}`, '15 levels'],
  [
    '16 levels through a fragment that is used before at a lower level',
    `{ a: user(id: "a") { ...A } b: user(id: "a") { ${nest('fans { nodes { ', '...A', ' } } ', 6)} } }
    fragment A on User { fans { nodes { id } } }`,
    '15 levels',
  ],
  ['20,000 levels of selections', nest('{ a ', '', '}'), 'nested too deep'],
  ['20,000 levels of selections that never close', '{ a '.repeat(20_000), 'nested too deep'],
  ['20,000 levels of inline fragments', `{ ${nest('... { ', '__typename', '}')} }`, 'nested too deep'],
  ['20,000 levels of lists', `{ user(id: ${nest('[', '', ']')}) { id } }`, 'nested too deep'],
  ['20,000 levels of objects', `{ user(id: ${nest('{ a: ', '1', '}')}) { id } }`, 'nested too deep'],
  ['20,000 levels of a default', `query ($id: ID = ${nest('[', '', ']')}) { user(id: $id) { id } }`, 'nested too deep'],
  ['20,000 levels of list types', `query ($id: ${nest('[', 'ID', ']')}) { user(id: $id) { id } }`, 'nested too deep'],
  ['20,000 levels in a directive', `{ __typename @include(if: ${nest('[', 'true', ']')}) }`, 'nested too deep'],
  ['aliases of fields deep inside', ofUser(many(101, (n) => `a${n}: nick`)), '100 aliases'],
  ['51 directives', `{ ${many(51, () => '__typename @include(if: true)')} }`, '50 directives'],
  ['a field many times', ofUser(many(402, () => 'id')), 'repeats a field'],
  ['a fragment many times', `{ ${many(401, () => '...A')} } fragment A on Query { __typename }`, 'repeats a field'],
  [
    'lists of lists by variables',
    `query ($n: Int = 100) ${ofUser(fans('$n', fans('$n', fans('$n', 'id'))))}`,
    'calls to the upstream',
  ],
  [
    'fragments that multiply',
    `${ofUser('...F0')} ${many(5, (n) => `fragment F${n} on User { ${many(10, (k) => `a${n}_${k}: ${fans(k + 1, `...F${n + 1}`)}`)} }`)} fragment F5 on User { id }`,
    '5000 times with its fragments spread',
  ],
  ['relations of many members one by one', ofUser(fans(100, fans(2, 'relationTo(userId: "b")'))), '250 are allowed'],
  ['known fans of a page of members', ofUser(fans(50, 'knownFans(first: 1) { count }')), '250 are allowed'],
  [
    '10,000 fragments that spread each other in a row',
    `{ ...A0 } ${many(10_000, (n) => `fragment A${n} on Query { ...A${n + 1} }`)} fragment A10000 on Query { __typename }`,
    'spreads fragments',
  ],
  ['an alias of 101 letters', `{ ${'x'.repeat(101)}: __typename }`, '100 letters'],
  ['90 aliases of one list', ofUser(many(90, (n) => `l${n}: ${fans(100, 'id nick avatar')}`)), '20000 values'],
  [
    '30 aliases of a user, each with 30 aliases of a list that is cached',
    `{ ${many(30, (n) => `u${n}: user(id: "a") { ...L }`)} } fragment L on User { ${many(30, (n) => `l${n}: ${fans(100, 'id')}`)} }`,
    '100 aliases',
  ],
  ['a text of 40,000 letters', `{ user(id: "${'x'.repeat(40_000)}") { id } }`, '32768 characters'],
  ['a text of 40,000 letters in a variable', ID, '32768 characters', `{"id":"${'x'.repeat(40_000)}"}`],
  ['introspection by 11 aliases', `{ ${many(11, (n) => `s${n}: __schema { types { name } }`)} }`, '20000 values'],
  ['6,000 values in variables', ID, '5000 values', `{"id":"a","x":[${'1,'.repeat(6000)}1]}`],
  ['a body 5,000 lists deep', ID, '20 levels', `{"id":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ['variables nobody asked for', ID, '20 levels', `{"id":"a","x":${'['.repeat(50)}${']'.repeat(50)}}`],
])('too expensive: %s', async (_title, query, says, variables) => {
  await expectTooExpensive(query, says, variables);
});

describe('no cheaper than it looks:', () => {
  const users = Array.from({ length: 100 }, (_, n) => `$a${n}`);
  test.each<[title: string, query: string, says: string, variables?: object]>([
    [
      'a fragment under 20 aliases',
      `{ ${many(20, (n) => `n${n}: user(id: "a") { ...G }`)} }
      fragment G on User { fans(first: 100) { ${many(20, (n) => `n${n}: nodes { ...F }`)} } }
      fragment F on User { id nick avatar gender }`,
      '20000 values',
    ],
    ...['constructor', 'toString', 'hasOwnProperty', 'page'].map((name): [string, string, string] => [
      `a list whose size is the variable $${name}, which is not set`,
      `query ($${name}: Int) ${ofUser(fans(`$${name}`, fans(`$${name}`, `id ${fans(`$${name}`, 'nick')}`)))}`,
      'calls to the upstream',
    ]),
    [
      'ids that are numbers, which differ in their last digits',
      `{ ${many(150, (n) => `a${n}: user(id: 1000000000000000000${100 + n}) { fans { nodes { id } } }`)} }`,
      'calls to the upstream',
    ],
    [
      'a mutation whose users are variables',
      `mutation (${users.map((name) => `${name}: ID!`).join(', ')}) {
        ${many(40, (n) => `m${n}: followUsers(input: { userIds: [${users}] }) { results { __typename } }`)} }`,
      'calls to the upstream',
      Object.fromEntries(users.map((name, n) => [name.slice(1), `user_00${100 + n}`])),
    ],
  ])('%s', async (_title, query, says, variables) => {
    const env = { MAX_ALIASES: '1000', MAX_UPSTREAM_CALLS: '100' };
    await expectTooExpensive(query, says, JSON.stringify(variables), env);
  });
});

test('an operation that is nested just as deep as it may be is answered', async () => {
  const gateway = await openEmptyGateway();
  gateway.sandbox.world.importAccount('a');
  expect(await gateway.data(levels(15))).toEqual({ user: { fans: { nodes: [] } } });
  const withFragment = `{ user(id: "a") { ...A } } fragment A on User ${below(14)}`;
  expect(await gateway.data(withFragment)).toEqual({ user: { fans: { nodes: [] } } });
});

test('a document of exactly MAX_TOKENS tokens is answered, one of more is OPERATION_TOO_EXPENSIVE', async () => {
  const env = { MAX_TOKENS: '100' };
  const gateway = await openEmptyGateway(env);
  expect(await gateway.data(`{ ${'__typename '.repeat(98)}}`)).toEqual({ __typename: 'Query' });
  for (const query of [`{ ${'__typename '.repeat(99)}}`, `{ users(ids: [${'"a" '.repeat(95)}]) { id } }`])
    await expectTooExpensive(query, '100 tokens', undefined, env);
});

test('introspection is taken to answer with 10,000 values: two of them run, three do not', async () => {
  const gateway = await openEmptyGateway({ INTROSPECTION: 'on' });
  const bySchema = (times: number) => `{ ${many(times, (n) => `s${n}: __schema { queryType { name } }`)} }`;
  expect((await gateway.query(bySchema(2))).errors).toBeUndefined();
  expect(codesOf(await gateway.query(bySchema(3)))).toEqual(['OPERATION_TOO_EXPENSIVE']);
});

test('the values that an answer may hold are bounded, also when all of it is cached', async () => {
  const gateway = await openEmptyGateway({}, { maxValues: 1000 });
  gateway.sandbox.world.addFans('a', 30);
  const query = (fields: number) =>
    ofUser(
      fans(
        100,
        many(fields, (n) => `f${n}: nick`),
      ),
    );
  expect((await gateway.query(query(8))).errors).toBeUndefined();
  expect(await gateway.query(query(11))).toEqual({ errors: [REFUSED] });
});

test('an answer that is too large is not sent', async () => {
  const gateway = await openEmptyGateway({}, { maxResponseBytes: 2000 });
  gateway.sandbox.world.addFans('a', 60);
  const query = ofUser(fans(60, 'id nick'));
  const response = await gateway.send(query);
  const refused = { errors: [REFUSED] };
  expect([response.status, await response.json()]).toEqual([400, refused]);
  expect((await gateway.send(query.replace('60', '10'))).status).toBe(200);
  expect(await (await subscribe(gateway, query)).answer()).toEqual(refused);
  expect(await askBySocket(openClient(gateway), query)).toEqual(refused);
});

test('a subscription is refused for what one event would cost, and so is an operation over a WebSocket', async () => {
  const gateway = await openEmptyGateway({ MAX_UPSTREAM_CALLS: '5' });
  const below = fans(20, fans(20, 'id'));
  const client = openClient(gateway);
  for (const operation of [
    `subscription { followEvents(userId: "a") { ... on FanGained { user { ${below} } } } }`,
    ofUser(below),
  ]) {
    const told = await askBySocket(client, operation).catch((errors) => ({ errors }));
    expect(told).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }] });
  }
  expect(gateway.sandbox.calls.count()).toBe(0);
});
