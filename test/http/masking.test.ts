// What a client sees of a failure: of its own mistakes enough, of our bugs nothing.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type Answer, openGateway, type TestGateway } from '../support/gateway.ts';
import { bugs, codesOf, expectRefused, get, INSIDES, post, readRefusal } from './requests.ts';

const SECRET = 'connection string of the database';

/** A setting of which no gateway would expect that it breaks. */
class BrokenPattern extends RegExp {
  override test(): boolean {
    throw new TypeError(SECRET);
  }
}

const MASKED = { message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };

/** Expects one line in the log with the whole of the bug, and nothing of it in the answer, which it reads. */
async function readMasked(gateway: TestGateway, response: Response, type = 'TypeError'): Promise<unknown> {
  const text = await response.text();
  expect(text).not.toContain(SECRET);
  const err = { type, message: SECRET, stack: expect.stringContaining('at ') };
  expect(bugs(gateway)).toMatchObject([{ err }]);
  return JSON.parse(text);
}

test('a bug in a resolver nulls its field as INTERNAL_SERVER_ERROR without its text, and is logged whole', async () => {
  const gateway = await openGateway({ config: { userIdPattern: new BrokenPattern('') } });
  const response = await gateway.send('{ __typename user(id: "anna") { nick } }');
  expect(await readMasked(gateway, response)).toEqual({
    data: { __typename: 'Query', user: null },
    errors: [{ ...MASKED, path: ['user'], locations: [{ line: 1, column: 14 }] }],
  });
});

test('a bug before the first resolver is INTERNAL_SERVER_ERROR without its text, and is logged whole', async () => {
  // The front reads the clock once for each request, then the context does.
  let readings = Number.NEGATIVE_INFINITY;
  const now = () => {
    if (++readings === 2) throw new TypeError(SECRET);
    return Date.now();
  };
  const gateway = await openGateway({ clock: { ...systemClock, now } });
  readings = 0;
  const response = await get(gateway, { query: '{ __typename }' });
  expect(await readMasked(gateway, response)).toMatchObject({ errors: [MASKED] });
});

test.each([TypeError, GraphQLError])(
  'a bug outside of GraphQL, also a %o, answers 500 in GraphQL’s shape without its text, and is logged whole',
  async (Bug) => {
    const gateway = await openGateway({ authenticate: () => Promise.reject(new Bug(SECRET)) });
    const response = await gateway.send('{ __typename }');
    expect(response.status).toBe(500);
    expect(await readMasked(gateway, response, Bug.name)).toEqual({ errors: [MASKED] });
  },
);

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
  const gateway = await openGateway();
  const answer = await readRefusal(gateway, await post(gateway, JSON.stringify(body)));
  expect(new Set(codesOf(answer))).toEqual(new Set([code]));
});

const BY_ID = 'query ($id: ID!) { user(id: $id) { id } }';
const BY_FIRST = 'query ($first: Int) { user(id: "a") { fans(first: $first) { totalCount } } }';
test.each([
  ['a wrong type', BY_ID, { id: { a: 1 } }, '"$id"'],
  ['a number beyond 32 bits', BY_FIRST, { first: 2 ** 31 }, '"$first"'],
])('%s in a variable is BAD_USER_INPUT naming the variable', async (_title, query, variables, name) => {
  const gateway = await openGateway();
  const response = await gateway.send(query, variables);
  expect(await expectRefused(gateway, response, 200, 'BAD_USER_INPUT')).toContain(name);
});

/** Long, and not too long to be looked at. */
const LONG = 'x'.repeat(20_000);
test.each<[title: string, code: string, query: string, variables?: Record<string, unknown>]>([
  ['a syntax error', 'GRAPHQL_PARSE_FAILED', `{ user(id: "a") ${LONG}: }`],
  ['an unknown field', 'GRAPHQL_VALIDATION_FAILED', `{ ${LONG} }`],
  ['an argument of the wrong type', 'GRAPHQL_VALIDATION_FAILED', `{ user(id: ${LONG}) { id } }`],
  ['a variable', 'BAD_USER_INPUT', BY_ID, { id: { a: LONG } }],
  ['a malformed id', 'BAD_USER_INPUT', `{ user(id: "${LONG}") { id } }`],
  ['a malformed cursor', 'INVALID_CURSOR', `{ user(id: "a") { fans(after: "${LONG}") { nodes { id } } } }`],
  [
    'a hundred fields',
    'GRAPHQL_VALIDATION_FAILED',
    `{ ${Array.from({ length: 100 }, (_, n) => `f${n}${'x'.repeat(800)}`).join(' ')} }`,
  ],
])(
  'the message about %s repeats neither all that the client sent nor anything of ours',
  async (_title, code, query, variables) => {
    const gateway = await openGateway();
    const text = await (await gateway.send(query, variables)).text();
    const { errors = [] } = JSON.parse(text) as Answer;
    expect(errors[0]?.extensions.code).toBe(code);
    for (const { message } of errors) expect(message.length).toBeLessThanOrEqual(501);
    expect(text.length).toBeLessThan(65_000);
    expect(text).not.toMatch(INSIDES);
    expect(bugs(gateway)).toEqual([]);
  },
);

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
