// Operations over WebSocket: what runs, for which viewer, and which connections are closed.
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import type { World } from '../graph/world.ts';
import { bugs, logged, openSocket as openBytes } from '../http/requests.ts';
import { scrape } from '../telemetry/scrape.ts';
import { FANS, follow, gained, openPeople } from './people.ts';
import { ask, HANDSHAKE, openClient, openReadySocket, openSocket, refusedWith, socketUrl } from './sockets.ts';

const VIEWER = '{ viewer { id } }';
const SECRET = 'a-secret-of-the-router';

const operations = (gateway: World) => logged(gateway, 'operation');

/** A credential of a minute. */
const signatureOf = ({ clock }: World, userId: string) =>
  `UserSig ${signUserSig({ ...SANDBOX_APP, userId, issuedAt: clock.now() / 1000, expireSeconds: 60 })}`;

const openSubscriptions = async (gateway: World) =>
  (await scrape(gateway))['open_subscriptions{transport="websocket"}'];

test('a subscription tells what happens until the client has heard enough', async () => {
  const gateway = await openPeople();
  const answers = openClient(gateway).iterate({ query: FANS });
  const first = answers.next();
  await expect.poll(() => openSubscriptions(gateway)).toBe(1);
  await follow(gateway, 'anna');
  expect((await first).value).toEqual(gained('anna'));
  await follow(gateway, 'bert');
  expect((await answers.next()).value).toEqual(gained('bert'));
  expect(operations(gateway)).toEqual([]);
  await answers.return?.();
  await expect.poll(() => openSubscriptions(gateway)).toBe(0);
  await expect.poll(() => operations(gateway)).toHaveLength(1);
  expect(operations(gateway)).toMatchObject([{ operationName: 'Fans', errorCodes: [], requestId: expect.any(String) }]);
});

test('queries, mutations and subscriptions that cannot begin are answered as over HTTP, one context each', async () => {
  const gateway = await openPeople();
  const client = openClient(gateway, { 'X-Viewer-Id': 'anna' });
  expect(await ask(client, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  expect(await ask(client, 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }')).toEqual({
    data: { followUsers: { viewer: { id: 'anna' } } },
  });
  expect(await ask(client, '{ user(id: "star") { fansCount } }')).toEqual({ data: { user: { fansCount: 1 } } });
  const refused = await ask(client, FANS, { after: 'nonsense' });
  expect(refused).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] });
});

test.each<[string, string, string]>([
  ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a document without the operation', 'query A { __typename } query B { __typename }', 'OPERATION_RESOLUTION_FAILURE'],
  ['too many tokens', `{ ${'a: __typename '.repeat(200)} }`, 'OPERATION_TOO_EXPENSIVE'],
])('%s is told as an error with its code and nothing of our insides', async (_title, query, code) => {
  const gateway = await openPeople({ MAX_TOKENS: '100' });
  const { subscribe, told, messages } = await openReadySocket(gateway);
  subscribe('1', query);
  await told('error', '1');
  const [, { payload } = {}] = messages;
  expect(payload).toEqual([expect.objectContaining({ message: expect.any(String), extensions: { code } })]);
  expect(operations(gateway)).toEqual([expect.objectContaining({ errorCodes: [code] })]);
  expect(bugs(gateway)).toEqual([]);
});

test('the viewer that a connection proves counts for all that runs on it, and bad credentials close it with 4403', async () => {
  const gateway = await openPeople({ AUTH: 'usersig' });
  const sign = (userId: string) => signatureOf(gateway, userId);
  const asAnna = openClient(gateway, { authorization: sign('anna') });
  expect(await ask(asAnna, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  const byHeader = openClient(gateway, undefined, { authorization: sign('bert') });
  expect(await ask(byHeader, VIEWER)).toEqual({ data: { viewer: { id: 'bert' } } });
  expect(await ask(openClient(gateway), VIEWER)).toEqual({ data: { viewer: null } });

  const unproven = ask(openClient(gateway, { authorization: 'UserSig nonsense' }), VIEWER);
  await expect(unproven).rejects.toMatchObject({ code: 4403, reason: expect.stringMatching(/^Forbidden/) });
  const both = ask(openClient(gateway, { authorization: sign('anna') }, { authorization: sign('bert') }), VIEWER);
  await expect(both).rejects.toMatchObject({ code: 4403 });
  expect(gateway.logLines.join('')).not.toMatch(/UserSig|eJ/);
});

test('a connection is closed with 4403 just before its credentials expire, without "complete", so that clients come back', async () => {
  const gateway = await openPeople({ AUTH: 'usersig' });
  const { say, subscribe, told, messages, closed } = await openSocket(gateway);
  say({ type: 'connection_init', payload: { authorization: signatureOf(gateway, 'anna') } });
  await told('connection_ack');
  subscribe('1', FANS);
  subscribe('2', VIEWER);
  await told('complete', '2');
  gateway.clock.advance(60_950);
  expect(await closed).toMatchObject({ code: 4403, reason: expect.stringMatching(/^Forbidden/) });
  expect(messages.map(({ type, id }) => [type, id])).not.toContainEqual([expect.anything(), '1']);
});

test('a connection parameter cannot borrow the secret of the router that the connection came through', async () => {
  const gateway = await openPeople({ AUTH: 'header', VIEWER_HEADER_SECRET: SECRET });
  const fromRouter = { 'x-viewer-secret': SECRET };
  const named = openClient(gateway, {}, { ...fromRouter, 'x-viewer-id': 'anna' });
  expect(await ask(named, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  for (const headers of [fromRouter, { ...fromRouter, 'x-viewer-id': 'anna' }]) {
    const thief = ask(openClient(gateway, { 'x-viewer-id': 'star' }, headers), VIEWER);
    await expect(thief).rejects.toMatchObject({ code: 4403 });
  }
});

test.each(['/', '/graphql/', '/health/live', '/subscriptions'])(
  'a WebSocket at %s is refused with 404',
  async (path) => {
    const gateway = await openPeople();
    expect(await refusedWith(gateway.url.replace('http', 'ws') + path)).toBe(404);
  },
);

test('no more connections than MAX_SUBSCRIPTIONS, and no more than a hundred operations on one', async () => {
  const gateway = await openPeople({ MAX_SUBSCRIPTIONS: '200' });
  const { subscribe, told, messages } = await openReadySocket(gateway);
  for (let number = 1; number <= 101; number++) subscribe(String(number), FANS);
  await told('error', '101');
  expect(messages.slice(1)).toEqual([
    { id: '101', type: 'error', payload: [expect.objectContaining({ extensions: { code: 'THROTTLED' } })] },
  ]);

  const small = await openPeople({ MAX_SUBSCRIPTIONS: '1' });
  const only = await openSocket(small);
  expect(await refusedWith(socketUrl(small))).toBe(503);
  only.socket.close();
  await only.closed;
  await expect.poll(() => openSocket(small).catch(() => null)).not.toBeNull();
});

test.each<[string, string, number]>([
  ['larger than a request may be', JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(200_000) } }), 1009],
  ['no JSON', 'hello', 4400],
  ['one that only a server sends', JSON.stringify({ id: '1', type: 'next', payload: {} }), 4500],
  ['a second hello', JSON.stringify({ type: 'connection_init' }), 4429],
])('a message that is %s ends the connection, and is no fault of ours', async (_title, message, code) => {
  const gateway = await openPeople();
  const { socket, closed } = await openReadySocket(gateway);
  socket.send(message);
  expect(await closed).toMatchObject({ code, reason: expect.not.stringMatching(/\bat\b.*:\d/) });
  expect(bugs(gateway)).toEqual([]);
});

test('a client that asks before saying hello is sent away, and so is one that speaks another protocol', async () => {
  const gateway = await openPeople();
  const { subscribe, closed } = await openSocket(gateway);
  subscribe('1', VIEWER);
  expect(await closed).toMatchObject({ code: 4401 });
  const other = new WebSocket(socketUrl(gateway));
  onTestFinished(() => other.terminate());
  other.on('error', () => {});
  expect((await once(other, 'close'))[0]).toBe(4406);
});

test('a connection that is lost ends all that runs on it', async () => {
  const gateway = await openPeople();
  const { socket, say, subscribe } = await openReadySocket(gateway);
  subscribe('1', FANS);
  const { _socket: connection } = socket as unknown as { _socket: Socket };
  // In one piece, so that the id is used again before the first of the two has begun.
  connection.cork();
  subscribe('2', FANS);
  say({ id: '2', type: 'complete' });
  subscribe('2', FANS);
  connection.uncork();
  await expect.poll(() => openSubscriptions(gateway)).toBe(3);
  socket.terminate();
  await expect.poll(() => openSubscriptions(gateway)).toBe(0);
  expect(operations(gateway)).toHaveLength(3);
});

test('a request that offers another upgrade is answered as if it did not', async () => {
  const gateway = await openPeople();
  const asking = request(`${gateway.url}/health/live`, {
    headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' },
  }).end();
  const [response] = await once(asking, 'response');
  expect(response.resume().statusCode).toBe(200);
});

test('a handshake that is no WebSocket is refused with 400, and one that is cut off harms nobody', async () => {
  const gateway = await openPeople();
  const refused = openBytes(gateway);
  await refused.write(HANDSHAKE.replace(/Sec-WebSocket-Key.*\r\n/, ''));
  expect(await refused.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 400 /);
  const hasty = openBytes(gateway);
  await hasty.write(HANDSHAKE);
  hasty.socket.resetAndDestroy();
  await hasty.closed;
  expect(await ask(openClient(gateway), VIEWER)).toEqual({ data: { viewer: null } });
  expect(bugs(gateway)).toEqual([]);
});
