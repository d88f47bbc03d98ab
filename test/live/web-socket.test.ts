// Operations over WebSocket: what runs, for which viewer, and which connections are closed.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { logged } from '../http/requests.ts';
import { createHastyClock } from '../support/clock.ts';
import { scrape } from '../telemetry/scrape.ts';
import { FANS, follow, gained, openPeople, type People } from './people.ts';
import { ask, openClient, openReadySocket, openSocket, refusedWith, socketUrl } from './sockets.ts';

const VIEWER = '{ viewer { id } }';
const SECRET = 'a-secret-of-the-router';

const errorsIn = (house: People) => logged(house).filter(({ level }) => level >= 50);
const operations = (house: People) => logged(house).filter(({ msg }) => msg === 'operation');

const openSubscriptions = async (house: People) => (await scrape(house))['open_subscriptions{transport="websocket"}'];

test('a subscription tells what happens until the client has heard enough', async () => {
  const house = await openPeople({ METRICS_PORT: '0' });
  const answers = openClient(house).iterate({ query: FANS });
  const first = answers.next();
  await expect.poll(() => openSubscriptions(house)).toBe(1);
  await follow(house, 'anna');
  expect((await first).value).toEqual(gained('anna'));
  await follow(house, 'bert');
  expect((await answers.next()).value).toEqual(gained('bert'));
  expect(operations(house)).toEqual([]);
  await answers.return?.();
  await expect.poll(() => openSubscriptions(house)).toBe(0);
  await expect.poll(() => operations(house)).toHaveLength(1);
  expect(operations(house)[0]).toMatchObject({ operationName: 'Fans', errorCodes: [], requestId: expect.any(String) });
});

test('who comes back with the cursor of the last event misses nothing', async () => {
  const house = await openPeople({ METRICS_PORT: '0' });
  const cursors = openClient(house).iterate({ query: 'subscription { followEvents(userId: "star") { cursor } }' });
  const first = cursors.next();
  await expect.poll(() => openSubscriptions(house)).toBe(1);
  await follow(house, 'anna');
  const { value } = (await first) as { value: { data: { followEvents: { cursor: string } } } };
  await cursors.return?.();
  await follow(house, 'bert');
  const back = openClient(house).iterate({ query: FANS, variables: { after: value.data.followEvents.cursor } });
  expect((await back.next()).value).toEqual(gained('bert'));
});

test('queries and mutations run as over HTTP, one context each', async () => {
  const house = await openPeople();
  const client = openClient(house, { 'X-Viewer-Id': 'anna' });
  expect(await ask(client, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  expect(await ask(client, 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }')).toEqual({
    data: { followUsers: { viewer: { id: 'anna' } } },
  });
  expect(await ask(client, '{ user(id: "star") { fans { nodes { id } } } }')).toEqual({
    data: { user: { fans: { nodes: [{ id: 'anna' }] } } },
  });
});

test.each<[string, string, string]>([
  ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a document without the operation', 'query A { __typename } query B { __typename }', 'OPERATION_RESOLUTION_FAILURE'],
  ['a document that is too deep', `{ ${'user(id: "a") { fans { nodes '.repeat(9)}`, 'GRAPHQL_PARSE_FAILED'],
  ['too many tokens', `{ ${'a: __typename '.repeat(200)} }`, 'OPERATION_TOO_EXPENSIVE'],
])('%s is told as an error with its code and nothing of our insides', async (_title, query, code) => {
  const house = await openPeople({ MAX_TOKENS: '100' });
  const { subscribe, told, messages } = await openReadySocket(house);
  subscribe('1', query);
  await told('error', '1');
  const [, { payload } = {}] = messages;
  expect(payload).toEqual([expect.objectContaining({ message: expect.any(String), extensions: { code } })]);
  expect(operations(house)).toEqual([expect.objectContaining({ errorCodes: [code] })]);
  expect(errorsIn(house)).toEqual([]);
});

test('a subscription that cannot begin is answered with its error', async () => {
  const house = await openPeople();
  const answer = await ask(openClient(house), FANS, { after: 'nonsense' });
  expect(answer).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] });
});

test('what a connection proves counts for all that runs on it, and bad credentials close it with 4403', async () => {
  const house = await openPeople({ AUTH: 'usersig' });
  const sign = (userId: string) =>
    `UserSig ${signUserSig({ ...SANDBOX_APP, userId, issuedAt: house.clock.now() / 1000, expireSeconds: 60 })}`;
  const asAnna = openClient(house, { authorization: sign('anna') });
  expect(await ask(asAnna, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  const byHeader = openClient(house, undefined, { authorization: sign('bert') });
  expect(await ask(byHeader, VIEWER)).toEqual({ data: { viewer: { id: 'bert' } } });
  expect(await ask(openClient(house), VIEWER)).toEqual({ data: { viewer: null } });

  const unproven = ask(openClient(house, { authorization: 'UserSig nonsense' }), VIEWER);
  await expect(unproven).rejects.toMatchObject({ code: 4403, reason: expect.stringMatching(/^Forbidden/) });
  const both = ask(openClient(house, { authorization: sign('anna') }, { authorization: sign('bert') }), VIEWER);
  await expect(both).rejects.toMatchObject({ code: 4403 });
  expect(house.logLines.join('')).not.toMatch(/UserSig|eJ/);
});

test('a connection is closed with 4403 just before its credentials expire, without "complete", so that clients come back', async () => {
  const clock = createHastyClock();
  const house = await openPeople({ AUTH: 'usersig' }, clock);
  const sig = signUserSig({ ...SANDBOX_APP, userId: 'anna', issuedAt: clock.now() / 1000, expireSeconds: 60 });
  const { say, subscribe, told, messages, closed } = await openSocket(house);
  say({ type: 'connection_init', payload: { authorization: `UserSig ${sig}` } });
  await told('connection_ack');
  subscribe('1', FANS);
  subscribe('2', VIEWER);
  await told('complete', '2');
  clock.advance(60_950);
  expect(await closed).toMatchObject({ code: 4403, reason: expect.stringMatching(/^Forbidden/) });
  expect(messages.map(({ type, id }) => [type, id])).not.toContainEqual([expect.anything(), '1']);
});

test('a connection parameter cannot borrow the secret of the router that the connection came through', async () => {
  const house = await openPeople({ AUTH: 'header', VIEWER_HEADER_SECRET: SECRET });
  const fromRouter = { 'x-viewer-secret': SECRET };
  const named = openClient(house, {}, { ...fromRouter, 'x-viewer-id': 'anna' });
  expect(await ask(named, VIEWER)).toEqual({ data: { viewer: { id: 'anna' } } });
  for (const headers of [fromRouter, { ...fromRouter, 'x-viewer-id': 'anna' }]) {
    const thief = ask(openClient(house, { 'x-viewer-id': 'star' }, headers), VIEWER);
    await expect(thief).rejects.toMatchObject({ code: 4403 });
  }
});

test.each(['/', '/graphql/', '/health/live', '/subscriptions'])(
  'a WebSocket at %s is refused with 404',
  async (path) => {
    const house = await openPeople();
    expect(await refusedWith(house.url.replace('http', 'ws') + path)).toBe(404);
  },
);

test('no more connections than MAX_SUBSCRIPTIONS, and no more than a hundred operations on one', async () => {
  const house = await openPeople({ MAX_SUBSCRIPTIONS: '200' });
  const { subscribe, told, messages } = await openReadySocket(house);
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
  const house = await openPeople();
  const { socket, closed } = await openReadySocket(house);
  socket.send(message);
  expect(await closed).toMatchObject({ code, reason: expect.not.stringMatching(/\bat\b.*:\d/) });
  expect(errorsIn(house)).toEqual([]);
});

test('who asks before saying hello is sent away, and so is who speaks another protocol', async () => {
  const house = await openPeople();
  const { subscribe, closed } = await openSocket(house);
  subscribe('1', VIEWER);
  expect(await closed).toMatchObject({ code: 4401 });
  const other = new WebSocket(socketUrl(house));
  onTestFinished(() => other.terminate());
  other.on('error', () => {});
  expect((await once(other, 'close'))[0]).toBe(4406);
});

test('a connection that is lost ends all that runs on it', async () => {
  const house = await openPeople({ METRICS_PORT: '0' });
  const { socket, subscribe } = await openReadySocket(house);
  subscribe('1', FANS);
  subscribe('2', FANS);
  await expect.poll(() => openSubscriptions(house)).toBe(2);
  socket.terminate();
  await expect.poll(() => openSubscriptions(house)).toBe(0);
  expect(operations(house)).toHaveLength(2);
});

test('a request that offers another upgrade is answered as if it did not', async () => {
  const house = await openPeople();
  const asking = request(`${house.url}/health/live`, {
    headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' },
  }).end();
  const [response] = await once(asking, 'response');
  expect(response.resume().statusCode).toBe(200);
});

test('a handshake that is no WebSocket is refused with 400, and one that is cut off harms nobody', async () => {
  const house = await openPeople();
  const lines = 'GET /graphql HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  const socket = connect(Number(new URL(house.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(`${lines}Sec-WebSocket-Version: 13\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  const hasty = connect(Number(new URL(house.url).port), '127.0.0.1');
  await once(hasty, 'connect');
  hasty.write(`${lines}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  hasty.resetAndDestroy();
  await once(hasty, 'close');
  expect(await ask(openClient(house), VIEWER)).toEqual({ data: { viewer: null } });
  expect(errorsIn(house)).toEqual([]);
});
