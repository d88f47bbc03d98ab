// The gateway's HTTP manners: the specification's audits, methods, paths, request ids, what every answer tells browsers, and health.
import { serverAudits } from 'graphql-http';
import { expect, test } from 'vitest';
import { HANDSHAKE } from '../subscriptions/sockets.ts';
import { openGateway } from '../support/gateway.ts';
import { bugs, expectRefused, get, head, openSocket, post, streamHeaders, TYPENAME } from './requests.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NICK = { query: '{ user(id: "anna") { nick } }' };

test('GET answers a query with its variables and operation name', async () => {
  const query = 'query A { __typename } query B($id: ID!) { user(id: $id) { id } }';
  const parameters = { query, variables: '{"id":"anna"}', operationName: 'B' };
  const response = await get(await openGateway(), parameters);
  expect(await response.json()).toEqual({ data: { user: { id: 'anna' } } });
});

test.each(['variables=%7B', 'variables=%7B"id":', 'extensions=nonsense'])(
  'GET refuses %s, which is no JSON, with 400',
  async (parameter) => {
    const gateway = await openGateway();
    const response = await fetch(`${gateway.url}/graphql?query=%7B__typename%7D&${parameter}`);
    expect(await expectRefused(gateway, response, 400)).toContain(parameter.split('=')[0]);
  },
);

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is 405 with the methods that are allowed', async (method) => {
  const gateway = await openGateway();
  const response = await fetch(`${gateway.url}/graphql`, { method });
  expect(response.headers.get('allow')).toBe('GET, POST');
  await expectRefused(gateway, response, 405);
});

test.each(['application/xml', 'text/html', 'image/png, application/pdf'])(
  'an answer as %s is refused with 406 before anything runs',
  async (accept) => {
    const gateway = await openGateway({ env: { GRAPHIQL: 'off' } });
    await expectRefused(gateway, await get(gateway, NICK, { headers: { accept } }), 406);
  },
);

test.each([
  ['application/json;q=0, */*', 'application/graphql-response+json'],
  ['application/json;q=0.5, application/*', 'application/graphql-response+json'],
  ['application/graphql-response+json;q=0, application/*', 'application/json'],
  ['*/*', 'application/json'],
])('of what fits a type, the most specific counts: %s is answered by %s', async (accept, type) => {
  const response = await get(await openGateway(), NICK, { headers: { accept } });
  expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
});

test('the target of a request may be a whole URL, as to a proxy', async () => {
  const { write, until } = openSocket(await openGateway());
  await write(head(`Content-Length: ${TYPENAME.length}`).replace(' /graphql', ' http://any.host/graphql') + TYPENAME);
  expect(await until(/}$/)).toMatch(/^HTTP\/1\.1 200 .*{"data":{"__typename":"Query"}}$/s);
});

const NOWHERE = '/ /graphql/ /graphql/graphql //graphql /GraphQL /graphiql /health /%67raphql /..'.split(' ');
test.each(NOWHERE)('there is nothing at %s, and the 404 tells where GraphQL is', async (path) => {
  const gateway = await openGateway();
  for (const init of [{}, { method: 'POST', body: TYPENAME, headers: { 'content-type': 'application/json' } }]) {
    const response = await fetch(gateway.url + path, init);
    expect(await expectRefused(gateway, response, 404)).toContain('/graphql');
  }
});

test.each([
  ...['a', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'trace:1.2_3-4', 'x'.repeat(128)].map((id) => [id, 'kept']),
  ...['', 'two words', 'x'.repeat(129), '{"a":1}', 'a/b', 'a, b', 'é', '$(id)'].map((id) => [id, 'replaced']),
])('the request id "%s" of a client is %s', async (id = '', fate) => {
  const gateway = await openGateway();
  const response = await post(gateway, TYPENAME, 'application/json', { 'x-request-id': id });
  expect(response.headers.get('x-request-id')).toEqual(fate === 'kept' ? id : expect.stringMatching(UUID));
});

/** What every answer tells browsers. */
const SECURITY = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

test('every answer over HTTP forbids sniffing, frames, loading and referrers, and has an id of its own, whatever its status', async () => {
  const gateway = await openGateway({ env: { GRAPHIQL: 'off' } });
  const responses = [
    await post(gateway, TYPENAME),
    await post(gateway, '{'),
    await post(gateway, TYPENAME, 'text/plain'),
    await post(gateway, 'x'.repeat(200_000)),
    await get(gateway, { query: '{ __typename }' }),
    await get(gateway, { query: 'mutation { __typename }' }),
    await get(gateway, {}, { headers: { accept: 'image/png' } }),
    await fetch(`${gateway.url}/nowhere`),
    await fetch(`${gateway.url}/health/live`),
  ];
  expect(responses.map(({ status }) => status)).toEqual([200, 400, 415, 413, 200, 405, 406, 404, 200]);
  expect(new Set(responses.map(({ headers }) => headers.get('x-request-id'))).size).toBe(responses.length);
  for (const headers of [...responses.map((response) => response.headers), await streamHeaders(gateway)]) {
    expect(Object.fromEntries(headers)).toMatchObject(SECURITY);
    expect(headers.get('x-request-id')).toMatch(UUID);
    for (const name of ['x-powered-by', 'server', 'strict-transport-security']) expect(headers.has(name)).toBe(false);
  }
});

test('GraphiQL may run its own script, byte for byte, and no other, and reaches only this gateway and the sandbox', async () => {
  const gateway = await openGateway();
  const { headers } = await get(gateway, {}, { headers: { accept: 'text/html' } });
  expect(headers.get('vary')).toContain('accept');
  const policy = headers.get('content-security-policy');
  expect(policy).toMatch(/(^|; )script-src 'sha256-[\w+/]{43}='(;|$)/);
  for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"])
    expect(policy).toContain(part);
  expect(policy?.replace(/img-src data: http:\/\/127.0.0.1:\d+;/, '')).not.toMatch(/unsafe-eval|https?:|\*/);
  expect(headers.get('x-frame-options')).toBe('DENY');
});

test('the health endpoints answer in plain text and leave no line in the log', async () => {
  const gateway = await openGateway();
  for (const path of ['live', 'ready', 'ready?from=balancer']) {
    const response = await fetch(`${gateway.url}/health/${path}`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect([response.status, await response.text()]).toEqual([200, `${path.split('?')[0]}\n`]);
  }
  expect(gateway.logLines).toEqual([]);
});

test.each([
  ['an upgrade', 1, HANDSHAKE, 'the id of a document'],
  ['an upgrade behind two requests', 2, HANDSHAKE, 'the id of a document'],
  ['an upgrade where there is nothing', 1, HANDSHAKE.replace('/graphql', '/elsewhere'), 'There is nothing here'],
])(
  '%s is answered in its turn, as if it were none, where %i requests of its connection are being answered',
  async (_title, count, upgrade, last) => {
    const gateway = await openGateway();
    gateway.sandbox.world.importAccount('anna');
    gateway.sandbox.faults.set({ latency: { ms: 150 } });
    const body = JSON.stringify(NICK);
    const { write, until } = openSocket(gateway);
    await write((head(`Content-Length: ${body.length}`) + body).repeat(count) + upgrade);
    const received = await until(new RegExp(last));
    expect(received.match(/HTTP\/1\.1 \d+/g)).toHaveLength(count + 1);
    expect(received).not.toContain('HTTP/1.1 101');
    expect(received.lastIndexOf('"nick"')).toBeLessThan(received.indexOf(last));
  },
);

/** How many audits of each level there are; a new version of the suite may bring more. */
const AUDITS = { MUST: 13, SHOULD: 23, MAY: 25 };

test('every audit of the specification holds, MUST, SHOULD and MAY', async () => {
  const gateway = await openGateway();
  const counts = { MUST: 0, SHOULD: 0, MAY: 0 };
  const failed: string[] = [];
  for (const { id, name, fn } of serverAudits({ url: `${gateway.url}/graphql` })) {
    const result = await fn();
    counts[name.split(' ', 1)[0] as keyof typeof counts] += 1;
    if (result.status !== 'ok') failed.push(`${id} ${name}: ${result.reason}`);
  }
  expect(failed).toEqual([]);
  expect(counts).toEqual(AUDITS);
  expect(bugs(gateway)).toEqual([]);
});
