// The log: one line a request that says what happened, and nothing that a client would not want to be read.
import { expect, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';
import { bugs, get, post, requestLines } from './requests.ts';

test('a request leaves one line with its id, operation, time, upstream calls, codes and status, a kept answer a line like it', async () => {
  const gateway = await openGateway();
  gateway.sandbox.world.addFans('star', 2);
  const query = `query Other { __typename }
    query Screen { user(id: "star") { nick fans { nodes { id } } ghost: fans(first: -1) { totalCount } } }`;
  const body = JSON.stringify({ query, operationName: 'Screen' });
  await post(gateway, body, 'application/json', { 'x-request-id': 'the-request' });
  for (let n = 0; n < 2; n++) await gateway.data('query Short { user(id: "star") { fansCount } }');
  const line = {
    ...{ level: 30, time: expect.any(Number), msg: 'request', requestId: 'the-request', operationName: 'Screen' },
    ...{ upstreamCalls: 2, errorCodes: ['BAD_USER_INPUT'], method: 'POST', path: '/graphql', status: 200 },
    ...{ ms: expect.any(Number), aborted: false },
  };
  const short = { ...line, requestId: expect.any(String), operationName: 'Short', errorCodes: [] };
  expect(await requestLines(gateway, 3)).toEqual([
    line,
    { ...short, upstreamCalls: 1 },
    { ...short, upstreamCalls: 0 },
  ]);
});

test.each<[string, string, Record<string, unknown>, string?]>([
  ['a syntax error', '{"query":"query Screen {"}', { errorCodes: ['GRAPHQL_PARSE_FAILED'], status: 200 }],
  ['an unknown field', '{"query":"{ nobody }"}', { errorCodes: ['GRAPHQL_VALIDATION_FAILED'], status: 200 }],
  ['an operation without a name', '{"query":"{ __typename }"}', { operationName: null, errorCodes: [] }],
  ['broken JSON', '{', { errorCodes: ['BAD_REQUEST'], status: 400 }],
  ['a form', 'query={__typename}', { errorCodes: ['BAD_REQUEST'], status: 415 }, 'application/x-www-form-urlencoded'],
  ['a body that is too large', 'x'.repeat(200_000), { errorCodes: ['BAD_REQUEST'], status: 413 }],
])('%s leaves one line too', async (_title, body, expected, type) => {
  const gateway = await openGateway();
  await (await post(gateway, body, type)).text();
  await gateway.data('query Last { __typename }');
  const lines = await requestLines(gateway, 2);
  expect(lines).toHaveLength(2);
  expect(lines).toContainEqual(expect.objectContaining({ ...expected, upstreamCalls: 0 }));
});

test('a hundred errors of one kind are one code in the line, and a name of 50,000 letters is cut', async () => {
  const gateway = await openGateway();
  const fields = Array.from({ length: 100 }, (_, n) => `a${n}: user(id: "") { id }`).join(' ');
  await post(gateway, JSON.stringify({ query: `query ${'N'.repeat(50_000)} { ${fields} }` }));
  await fetch(`${gateway.url}/${'p'.repeat(10_000)}`);
  const [screen] = await requestLines(gateway, 2);
  expect(gateway.logLines.every((line) => line.length < 1000)).toBe(true);
  expect(screen?.errorCodes).toEqual(['BAD_USER_INPUT']);
});

test('no line holds a variable, an argument, a query string, a header or a cookie of a client', async () => {
  const gateway = await openGateway();
  const secret = 'hunter2hunter2';
  const headers = {
    authorization: `Bearer ${secret}`,
    cookie: `session=${secret}`,
    'x-user-sig': secret,
    referer: `https://app.example/?token=${secret}`,
    'user-agent': secret,
  };
  const query = `query Screen($id: ID!) { user(id: $id) { nick } other: user(id: "${secret}") { fans(after: "${secret}") { nodes { id } } } }`;
  const bodies = [
    ...[{ query, variables: { id: secret } }, { query, variables: { id: { a: secret } } }, { query: `{ ${secret} }` }],
    ...[{ query: `{ user(id: ${secret}) { id } ` }, { query, extensions: { a: secret } }, { query, [secret]: 1 }],
  ].map((body) => JSON.stringify(body));
  for (const sent of [headers, {}]) {
    for (const body of [...bodies, secret]) await post(gateway, body, 'application/json', sent);
    await post(gateway, secret, `text/${secret}`, sent);
    for (const variables of [JSON.stringify({ id: secret }), secret])
      await get(gateway, { query, variables }, { headers: sent });
    await fetch(`${gateway.url}/elsewhere?token=${secret}`, { headers: sent });
  }
  await requestLines(gateway, 2 * (bodies.length + 5));
  expect(bugs(gateway)).toEqual([]);
  expect(gateway.logLines.join('\n')).not.toContain(secret);
});
