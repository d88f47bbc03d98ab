// The gateway's HTTP manners: methods, paths, request ids, origins and health.
import { describe, expect, test } from 'vitest';
import { bugs, expectRefused, get, head, openEmptyGateway, openSocket, post } from './requests.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TYPENAME = '{"query":"{ __typename }"}';

test('GET answers a query with its variables and operation name', async () => {
  const query = 'query A { __typename } query B($id: ID!) { user(id: $id) { id } }';
  const parameters = { query, variables: '{"id":"anna"}', operationName: 'B' };
  const response = await get(await openEmptyGateway(), parameters);
  expect(await response.json()).toEqual({ data: { user: { id: 'anna' } } });
});

test.each([
  ['variables', '{'],
  ['variables', '{"id":'],
  ['extensions', 'nonsense'],
])('GET refuses %s that are no JSON with 400', async (name, text) => {
  const gateway = await openEmptyGateway();
  const response = await get(gateway, { query: '{ __typename }', [name]: text });
  expect(await expectRefused(gateway, response, 400)).toContain(name);
});

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is 405 with the methods that are allowed', async (method) => {
  const gateway = await openEmptyGateway();
  const response = await fetch(`${gateway.url}/graphql`, { method });
  expect(response.headers.get('allow')).toBe('GET, POST');
  await expectRefused(gateway, response, 405);
});

test('HEAD runs nothing', async () => {
  const gateway = await openEmptyGateway();
  const response = await get(gateway, { query: '{ user(id: "anna") { nick } }' }, { method: 'HEAD' });
  expect(response.status).toBe(405);
  expect(await response.text()).toBe('');
  expect(gateway.sandbox.calls.count()).toBe(0);
});

const OTHER_TYPES = ['application/xml', 'text/html', 'image/png, application/pdf'];
test.each(OTHER_TYPES)('an answer as %s is refused with 406 before anything runs', async (accept) => {
  const gateway = await openEmptyGateway({ GRAPHIQL: 'off' });
  const response = await get(gateway, { query: '{ user(id: "anna") { nick } }' }, { headers: { accept } });
  await expectRefused(gateway, response, 406);
});

const NOWHERE = [
  '/',
  '/graphql/',
  '/graphql/graphql',
  '//graphql',
  '/GraphQL',
  '/graphiql',
  '/health',
  '/%67raphql',
  '/..',
];
test.each(NOWHERE)('there is nothing at %s, and the 404 tells where GraphQL is', async (path) => {
  const gateway = await openEmptyGateway();
  for (const init of [{}, { method: 'POST', body: TYPENAME, headers: { 'content-type': 'application/json' } }]) {
    const response = await fetch(gateway.url + path, init);
    expect(await expectRefused(gateway, response, 404)).toContain('/graphql');
  }
});

test.each([
  ...['a', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'trace:1.2_3-4', 'x'.repeat(128)].map((id) => [id, 'kept']),
  ...['', 'two words', 'x'.repeat(129), '{"a":1}', 'a/b', 'a, b', 'é', '$(id)'].map((id) => [id, 'replaced']),
])('the request id "%s" of a client is %s', async (id = '', fate) => {
  const gateway = await openEmptyGateway();
  const response = await post(gateway, TYPENAME, 'application/json', { 'x-request-id': id });
  expect(response.headers.get('x-request-id')).toEqual(fate === 'kept' ? id : expect.stringMatching(UUID));
});

test('requests that a client sends in one go are answered in their order, each under its own id', async () => {
  const gateway = await openEmptyGateway();
  gateway.sandbox.world.importAccount('anna', { Tag_Profile_IM_Nick: 'Anna' });
  const { write, until } = openSocket(gateway);
  const request = (id: string, query: string) => {
    const body = JSON.stringify({ query });
    return head(`Content-Length: ${body.length}\r\nX-Request-Id: ${id}`) + body;
  };
  await write(
    [
      request('first', '{ user(id: "anna") { nick } }'),
      request('second', '{ user('),
      'GET /health/live HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: third\r\n\r\n',
      request('fourth', '{ __typename }'),
    ].join(''),
  );
  const received = await until(/"__typename":"Query"/);
  const ids = Array.from(received.matchAll(/x-request-id: (\w+)/g), ([, id]) => id);
  expect(ids).toEqual(['first', 'second', 'third', 'fourth']);
  expect(received).toMatch(/"Anna".*GRAPHQL_PARSE_FAILED.*live\n.*"Query"/s);
  expect(bugs(gateway)).toEqual([]);
});

test('the health endpoints answer in plain text and leave no line in the log', async () => {
  const gateway = await openEmptyGateway();
  for (const [path, text] of [
    ['/health/live', 'live\n'],
    ['/health/ready', 'ready\n'],
    ['/health/ready?from=balancer', 'ready\n'],
  ]) {
    const response = await fetch(gateway.url + path);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect([response.status, await response.text()]).toEqual([200, text]);
  }
  expect(gateway.logLines).toEqual([]);
});

describe('on a connection on which a request is still being answered', () => {
  const UPGRADE =
    'Host: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  test.each([
    ['an upgrade', 'GET /graphql', 1, 'Must provide query string'],
    ['an upgrade behind two requests', 'GET /graphql', 2, 'Must provide query string'],
    ['an upgrade where there is nothing', 'GET /elsewhere', 1, 'There is nothing here'],
  ])('%s is answered in its turn, as if it were none', async (_title, target, requests, last) => {
    const gateway = await openEmptyGateway();
    gateway.sandbox.world.importAccount('anna');
    gateway.sandbox.faults.set({ latency: { ms: 150 } });
    const body = JSON.stringify({ query: '{ user(id: "anna") { nick } }' });
    const { write, until } = openSocket(gateway);
    const request = head(`Content-Length: ${body.length}`) + body;
    await write(`${request.repeat(requests)}${target} HTTP/1.1\r\n${UPGRADE}`);
    const received = await until(new RegExp(last));
    expect(received.match(/HTTP\/1\.1 \d+/g)).toHaveLength(requests + 1);
    expect(received).not.toContain('HTTP/1.1 101');
    expect(received.lastIndexOf('"nick"')).toBeLessThan(received.indexOf(last));
  });
});
