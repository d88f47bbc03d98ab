// What a client sees of a failure: of its own mistakes enough, of our bugs nothing.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import { createGateway } from '../../src/server.ts';
import type { Answer } from '../support/gateway.ts';
import { bugs, codesOf, openEmptyGateway, post, readRefusal } from './requests.ts';

const SECRET = 'connection string of the database';

/** A setting of which no gateway would expect that it breaks. */
class BrokenPattern extends RegExp {
  override test(): boolean {
    throw new TypeError(SECRET);
  }
}

async function openBroken(broken: Partial<Parameters<typeof createGateway>[0]>, clock = systemClock) {
  const lines: string[] = [];
  const log = pino({ base: undefined }, { write: (line: string) => lines.push(line) });
  const config = readConfig({
    PORT: '0',
    TENCENT_SDK_APP_ID: '1',
    TENCENT_SECRET_KEY: 'a key of no importance',
    TENCENT_BASE_URL: 'http://127.0.0.1:9',
  });
  const gateway = await createGateway({ ...config, ...broken }, { log, clock });
  onTestFinished(() => gateway.destroy());
  const errors = () => lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  return { gateway, errors };
}

test('a bug in a resolver nulls its field as INTERNAL_SERVER_ERROR without its text, and is logged whole', async () => {
  const { gateway, errors } = await openBroken({ userIdPattern: new BrokenPattern('') });
  const url = await gateway.listen();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __typename user(id: "anna") { nick } }' }),
  });

  const text = await response.text();

  expect(JSON.parse(text)).toEqual({
    data: { __typename: 'Query', user: null },
    errors: [
      {
        message: 'Something went wrong on our side.',
        path: ['user'],
        locations: [{ line: 1, column: 14 }],
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      },
    ],
  });
  expect(errors()).toMatchObject([
    { err: { type: 'TypeError', message: SECRET, stack: expect.stringContaining('at ') } },
  ]);
});

test('a bug before the first resolver is INTERNAL_SERVER_ERROR without its text, and is logged whole', async () => {
  // The front reads the clock once for each request, then the context does.
  let readings = Number.NEGATIVE_INFINITY;
  const now = () => {
    if (++readings === 2) throw new TypeError(SECRET);
    return Date.now();
  };
  const { gateway, errors } = await openBroken({}, { ...systemClock, now });
  const url = await gateway.listen();
  readings = 0;
  const response = await fetch(`${url}/graphql?query={__typename}`);
  const text = await response.text();

  expect(text).not.toContain(SECRET);
  expect(codesOf(JSON.parse(text))).toEqual(['INTERNAL_SERVER_ERROR']);
  expect(errors()).toMatchObject([{ err: { message: SECRET, stack: expect.stringContaining('at ') } }]);
});

test('a bug outside of GraphQL answers 500 in GraphQL’s shape without its text, and is logged whole', async () => {
  const { gateway, errors } = await openBroken({
    auth: { userSig: false, jwt: null, header: { secret: null } },
    userIdPattern: new BrokenPattern(''),
  });
  const url = await gateway.listen();
  const response = await fetch(`${url}/graphql?query={__typename}`, { headers: { 'x-viewer-id': 'anna' } });
  expect(response.status).toBe(500);
  const message = 'Something went wrong on our side.';
  expect(await response.json()).toEqual({ errors: [{ message, extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  expect(errors()).toMatchObject([{ err: { message: SECRET } }]);
});

test.each([
  ['GRAPHQL_PARSE_FAILED', { query: '{ user(' }],
  ['GRAPHQL_PARSE_FAILED', { query: '' }],
  ['GRAPHQL_VALIDATION_FAILED', { query: '{ nobody }' }],
  ['GRAPHQL_VALIDATION_FAILED', { query: '{ user { id } }' }],
  ['GRAPHQL_VALIDATION_FAILED', { query: '{ user(id: true) { id } }' }],
  ['OPERATION_RESOLUTION_FAILURE', { query: 'query A { __typename }', operationName: 'B' }],
  ['OPERATION_RESOLUTION_FAILURE', { query: 'fragment F on User { id }' }],
  ['BAD_REQUEST', {}],
  ['BAD_REQUEST', { query: '{ __typename }', variables: [] }],
])('%s is the code of %j', async (code, body) => {
  const gateway = await openEmptyGateway();
  const answer = await readRefusal(gateway, await post(gateway, JSON.stringify(body)));
  expect(new Set(codesOf(answer))).toEqual(new Set([code]));
});

test.each([
  ['a wrong type', '$id: ID!', { id: { a: 1 } }, '$id'],
  ['a missing value', '$id: ID!', {}, '$id'],
  ['null for a value that is required', '$id: ID!', { id: null }, '$id'],
  ['a fraction for a whole number', '$first: Int', { first: 1.5 }, '$first'],
  ['a number beyond 32 bits', '$first: Int', { first: 2 ** 31 }, '$first'],
])('%s in a variable is BAD_USER_INPUT naming the variable', async (_title, declaration, variables, name) => {
  const gateway = await openEmptyGateway();
  const use = name === '$id' ? 'user(id: $id) { id }' : 'user(id: "a") { fans(first: $first) { totalCount } }';
  const answer = await readRefusal(
    gateway,
    await post(gateway, JSON.stringify({ query: `query (${declaration}) { ${use} }`, variables })),
  );
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(answer.errors?.[0]?.message).toContain(`"${name}"`);
});

test.each([
  ['a syntax error', `{ user(id: "a") ${'x'.repeat(50_000)}: }`],
  ['an unknown field', `{ ${'x'.repeat(50_000)} }`],
  ['an argument of the wrong type', `{ user(id: ${'x'.repeat(50_000)}) { id } }`],
  ['a variable', 'query ($id: ID!) { user(id: $id) { id } }'],
  ['a malformed id', `{ user(id: "${'x'.repeat(50_000)}") { id } }`],
  ['a hundred errors at once', `{ ${Array.from({ length: 100 }, (_, n) => `f${n}${'x'.repeat(800)}`).join(' ')} }`],
])('the message about %s does not repeat all that the client sent', async (_title, query) => {
  const gateway = await openEmptyGateway();
  const variables = { id: { a: 'x'.repeat(50_000) } };
  const response = await post(gateway, JSON.stringify({ query, variables }));
  const text = await response.text();
  const { errors } = JSON.parse(text) as Answer;
  expect(errors?.length).toBeGreaterThan(0);
  for (const { message } of errors ?? []) expect(message.length).toBeLessThanOrEqual(501);
  expect(text.length).toBeLessThan(65_000);
  expect(bugs(gateway)).toEqual([]);
});

test('so they do without the test runner', async () => {
  const program = `
    import { GraphQLError, GraphQLSchema } from 'graphql';
    import { createGraphQLError } from 'graphql-yoga';
    import { maskError } from './src/server/public-answer.ts';
    import { createSchema } from './src/graph/schema.ts';
    console.log(
      createGraphQLError('') instanceof GraphQLError,
      maskError(new Error(''), () => {}) instanceof GraphQLError,
      createSchema() instanceof GraphQLSchema,
    );
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: new URL('../..', import.meta.url),
  });
  expect(stdout.trim()).toBe('true true true');
});
