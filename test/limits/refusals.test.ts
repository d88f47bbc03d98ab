// Requests that ask for too much are refused before anything runs: with 400, a code, and no call to the upstream.
import { describe, expect, test } from 'vitest';
import { codesOf, post, readRefusal } from '../http/requests.ts';
import { ask as askBySocket, openClient } from '../subscriptions/sockets.ts';
import { subscribe } from '../support/event-stream.ts';
import { openGateway } from '../support/gateway.ts';
import { ATTACKS, below, fans, levels, many, ofUser } from './attack-set.ts';

const REFUSED = { message: expect.any(String), extensions: { code: 'OPERATION_TOO_EXPENSIVE' } };
/** What is refused as a mistake, or for its depth, before anything is counted. */
const MISTAKES = /^Cannot (query|spread)|^Maximum introspection/;

/** Runs the first operation of a document that names several. */
function bodyOf(query: string, variables = '{}'): string {
  const [, operationName] = /^query (\w+)/.exec(query) ?? [];
  const others = JSON.stringify({ query, operationName }).slice(0, -1);
  return `${others},"variables":${variables}}`;
}

/** Expects a refusal where limits are too wide to refuse what is merely long. */
async function expectRefusal(query: string, says: string, variables?: string, env?: Record<string, string>) {
  const gateway = await openGateway({
    env: { AUTH: 'development', MAX_TOKENS: '100000', ...env },
    config: { maxBodyBytes: 1_000_000 },
  });
  const headers = { 'x-viewer-id': 'anna', accept: 'application/graphql-response+json' };
  const response = await post(gateway, bodyOf(query, variables), undefined, headers);
  expect(response.status).toBe(400);
  const { errors = [] } = await readRefusal(gateway, response);
  expect(errors[0]?.message).toContain(says);
  if (!MISTAKES.test(errors[0]?.message ?? '')) expect(errors).toEqual([REFUSED]);
}

test.each(Object.entries(ATTACKS))('refused with 400 and no call: %s', async (_title, [query, says, variables]) => {
  const gateway = await openGateway();
  const accept = 'application/graphql-response+json';
  const response = await post(gateway, bodyOf(query, variables), undefined, { accept });
  expect(response.status).toBeGreaterThanOrEqual(400);
  const { errors } = await readRefusal(gateway, response);
  // What is told of mistakes is no way to have us write much.
  expect(errors?.length).toBeLessThanOrEqual(4);
  await expectRefusal(query, says, variables);
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
    [
      'a list whose size is the variable $constructor, which is not set',
      `query ($constructor: Int) ${ofUser(fans('$constructor', fans('$constructor', `id ${fans('$constructor', 'nick')}`)))}`,
      'calls to the upstream',
    ],
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
    await expectRefusal(query, says, JSON.stringify(variables), env);
  });
});

test('an operation that is nested just as deep as it may be is answered', async () => {
  const gateway = await openGateway();
  gateway.sandbox.world.importAccount('a');
  expect(await gateway.data(levels(15))).toEqual({ user: { fans: { nodes: [] } } });
  const withFragment = `{ user(id: "a") { ...A } } fragment A on User ${below(14)}`;
  expect(await gateway.data(withFragment)).toEqual({ user: { fans: { nodes: [] } } });
});

test('a document of exactly MAX_TOKENS tokens is answered, one of more is OPERATION_TOO_EXPENSIVE', async () => {
  const env = { MAX_TOKENS: '100' };
  const gateway = await openGateway({ env });
  expect(await gateway.data(`{ ${'__typename '.repeat(98)}}`)).toEqual({ __typename: 'Query' });
  for (const query of [`{ ${'__typename '.repeat(99)}}`, `{ users(ids: [${'"a" '.repeat(95)}]) { id } }`])
    await expectRefusal(query, '100 tokens', undefined, env);
});

test('introspection is taken to answer with 10,000 values: two of them run, three do not', async () => {
  const gateway = await openGateway({ env: { INTROSPECTION: 'on' } });
  const bySchema = (times: number) => `{ ${many(times, (n) => `s${n}: __schema { queryType { name } }`)} }`;
  expect((await gateway.query(bySchema(2))).errors).toBeUndefined();
  expect(codesOf(await gateway.query(bySchema(3)))).toEqual(['OPERATION_TOO_EXPENSIVE']);
});

test('an answer that is too large is not sent', async () => {
  const gateway = await openGateway({ config: { maxResponseBytes: 2000 } });
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
  const gateway = await openGateway({ env: { MAX_UPSTREAM_CALLS: '5' } });
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
