// Authentication, through the whole gateway: proven viewers, refused credentials, and nothing that a client could make up.
import { Readable } from 'node:stream';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import type { Authenticate } from '../../src/auth/authentication.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { bugs, get, head, openSocket, readRefusal, requestLines } from '../http/requests.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { makeKey, openIssuer, signToken } from '../support/issuer.ts';

const SECRET = 'a-secret-of-the-router';
const VIEWER = '{ viewer { id } }';

const nowSeconds = () => Math.floor(Date.now() / 1000);
const routed = (id: string, secret = SECRET) => ({ 'x-viewer-id': id, 'x-viewer-secret': secret });

function userSig(userId: string, change: Partial<Parameters<typeof signUserSig>[0]> = {}) {
  return signUserSig({ ...SANDBOX_APP, userId, issuedAt: nowSeconds(), expireSeconds: 3600, ...change });
}

const signedIn = (userId: string) => ({ authorization: `UserSig ${userSig(userId)}` });

/** A gateway that takes viewers by every way, and somebody who issues tokens for it. */
async function openGuardedGateway() {
  const key = await makeKey('ES256', 'key-1');
  const issuer = await openIssuer([key]);
  const gateway = await openGateway({
    env: {
      AUTH: 'jwt, header,usersig',
      JWT_JWKS_URL: issuer.url,
      JWT_ISSUER: 'sso',
      JWT_AUDIENCE: 'gateway',
      VIEWER_HEADER_SECRET: SECRET,
    },
  });
  const token = (sub: string, signer = key) =>
    signToken(signer, { iss: 'sso', aud: 'gateway', sub, exp: nowSeconds() + 600 });
  return { gateway, issuer, token };
}

/** The id of whom the gateway takes for the viewer. */
async function viewerOf(gateway: TestGateway, headers: Record<string, string>, variables: object = {}) {
  const answer = await (await gateway.send(VIEWER, { ...variables }, headers)).json();
  expect(answer).toEqual({ data: { viewer: expect.toBeOneOf([null, { id: expect.any(String) }]) } });
  return answer.data.viewer?.id ?? null;
}

/** Expects a refusal for want of a credential that holds; its message. */
async function expectUnauthenticated(gateway: TestGateway, response: Response, ways = 'UserSig, Bearer') {
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, ways]);
  const answer = await readRefusal(gateway, response);
  expect(answer).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] });
  return answer.errors?.[0]?.message ?? '';
}

test('a UserSig, a token and a trusted router each name the viewer, at no upstream call; without them it is null', async () => {
  const { gateway, token } = await openGuardedGateway();
  expect(await viewerOf(gateway, signedIn('ann'))).toBe('ann');
  expect(await viewerOf(gateway, { authorization: `Bearer ${await token('bob')}` })).toBe('bob');
  expect(await viewerOf(gateway, routed('cid'))).toBe('cid');
  for (const id of ['ann', '']) expect(await viewerOf(gateway, { ...routed(id), ...signedIn('ann') })).toBe('ann');
  for (const headers of [{}, routed(''), { 'x-viewer-secret': SECRET }] as Record<string, string>[])
    expect(await viewerOf(gateway, headers)).toBeNull();
  const byGet = await get(gateway, { query: VIEWER }, { headers: signedIn('ann') });
  expect(await byGet.json()).toEqual({ data: { viewer: { id: 'ann' } } });
  expect(gateway.sandbox.calls.count()).toBe(0);
});

test('a credential that does not hold is answered 401 with a code, by POST and by GET, without an upstream call, and not repeated', async () => {
  const { gateway, token } = await openGuardedGateway();
  const stranger = await makeKey('ES256', 'key-1');
  const refused: Record<string, string>[] = [
    { authorization: `UserSig ${userSig('ann', { secretKey: 'f'.repeat(64) })}` },
    { authorization: `Bearer ${await token('ann', stranger)}` },
    { authorization: `Bearer ${userSig('ann')}` },
    { authorization: `UserSig ${await token('ann')}` },
    { authorization: `Basic ${btoa('ann:hunter2')}` },
    { 'x-viewer-id': 'ann' },
    { 'x-viewer-id': 'ann', ...signedIn('ann') },
    ...['', 'another-secret-here', SECRET.slice(0, -1), `${SECRET}, ${SECRET}`].map((secret) => routed('ann', secret)),
    { 'x-viewer-secret': 'another-secret-here' },
    ...['ann, bob', 'ann, ann', 'ann smith', 'a'.repeat(33)].map((id) => routed(id)),
    { ...routed('ann'), authorization: '' },
    { ...routed('bob'), ...signedIn('ann') },
    { ...routed('ann'), authorization: 'Bearer junk' },
  ];
  const query = '{ viewer { id } user(id: "ann") { nick fansCount } }';
  for (const headers of refused) {
    const messages = [
      await expectUnauthenticated(gateway, await gateway.send(query, {}, headers)),
      await expectUnauthenticated(gateway, await get(gateway, { query }, { headers })),
    ];
    for (const value of Object.values(headers).filter(({ length }) => length > 3))
      expect(messages.join()).not.toContain(value);
  }
  const two = await gateway.send(query, {}, { ...routed('bob'), ...signedIn('ann') });
  expect(await expectUnauthenticated(gateway, two)).toContain('different users');
  expect(await viewerOf(gateway, signedIn('ann'))).toBe('ann');
});

const OF_ANN = `Authorization: UserSig ${userSig('ann')}`;
test.each([
  ['two Authorization headers', [OF_ANN, `Authorization: UserSig ${userSig('bob')}`]],
  ['a good Authorization header and a bad one', [OF_ANN, 'Authorization: junk']],
  ['an empty Authorization header', ['Authorization: ']],
  ['two ids', ['X-Viewer-Id: ann', 'X-Viewer-Id: bob', `X-Viewer-Secret: ${SECRET}`]],
  ['two secrets of a router', [`X-Viewer-Secret: ${SECRET}`, 'X-Viewer-Secret: guess']],
])('%s are refused, not chosen from', async (_what, lines) => {
  const { gateway } = await openGuardedGateway();
  const body = JSON.stringify({ query: VIEWER });
  const socket = openSocket(gateway);
  await socket.write(head([...lines, `Content-Length: ${body.length}`].join('\r\n')) + body);
  expect(await socket.until(/"errors"/)).toMatch(/^HTTP\/1\.1 401 .*"code":"UNAUTHENTICATED"/s);
});

test('no client becomes the viewer by a header, an argument, a variable or a parameter that is not trusted', async () => {
  const gateway = await openGateway({ env: { AUTH: 'usersig' } });
  const claims = {
    'x-viewer-id': 'eve',
    'x-viewer-secret': SECRET,
    'x-user-id': 'eve',
    'x-forwarded-user': 'eve',
    'proxy-authorization': `UserSig ${userSig('eve')}`,
    cookie: `authorization=UserSig ${userSig('eve')}; viewer=eve`,
  };
  const variables = { viewer: { id: 'eve' }, viewerId: 'eve', userId: 'eve', authorization: userSig('eve') };
  expect(await viewerOf(gateway, claims, variables)).toBeNull();
  expect(await viewerOf(gateway, { ...claims, ...signedIn('ann') }, variables)).toBe('ann');

  const extensions = JSON.stringify({ headers: claims, viewer: { userId: 'eve' } });
  const byGet = await get(gateway, { query: VIEWER, extensions, viewer: 'eve', usersig: userSig('eve') });
  expect(await byGet.json()).toEqual({ data: { viewer: null } });

  const byArgument = await (await gateway.send('{ viewer(id: "eve") { id } }', {}, signedIn('ann'))).json();
  expect(byArgument).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
});

test('a further way to authenticate comes first, and leaves what it does not know to the others', async () => {
  const authenticate: Authenticate = async (header) =>
    header('authorization') === 'Session 1' ? { userId: 'sid', expiresAt: null } : null;
  const gateway = await openGateway({ env: { AUTH: 'usersig' }, authenticate });
  expect(await viewerOf(gateway, { authorization: 'Session 1' })).toBe('sid');
  expect(await viewerOf(gateway, signedIn('ann'))).toBe('ann');
  await expectUnauthenticated(gateway, await gateway.send(VIEWER, {}, { authorization: 'Session 2' }), 'UserSig');
});

test('a token that cannot be checked because the key host is down is answered 503, and other viewers are served', async () => {
  const { gateway, issuer, token } = await openGuardedGateway();
  await issuer.stop();
  const response = await gateway.send(VIEWER, {}, { authorization: `Bearer ${await token('ann')}` });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([503, null]);
  const message = expect.stringMatching(/keys .* cannot be fetched/);
  expect(await response.json()).toEqual({ errors: [{ message, extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] });
  expect(await viewerOf(gateway, signedIn('ann'))).toBe('ann');
  expect(bugs(gateway)).toEqual([]);
  expect(gateway.logLines.filter((line) => line.includes('The keys of tokens cannot be fetched'))).toHaveLength(1);
});

test('no log line holds a credential, good or bad, nor a part of one', async () => {
  const { gateway, issuer, token } = await openGuardedGateway();
  const good = [userSig('ann'), await token('ann')];
  const bad = [userSig('ann', { secretKey: 'f'.repeat(64) }), `${good[1]}junk`, 'hunter2-hunter2-hunter2'];
  const secrets = [...good, ...bad, SECRET, 'guessed-secret-of-eve'];
  const sent: Record<string, string>[] = [
    ...[...good, ...bad].flatMap((secret) =>
      ['UserSig', 'Bearer'].map((way) => ({ authorization: `${way} ${secret}` })),
    ),
    ...bad.map((secret) => ({ authorization: secret })),
    routed('ann'),
    routed('ann', 'guessed-secret-of-eve'),
  ];
  for (const headers of sent) await (await gateway.send(VIEWER, {}, headers)).text();
  await issuer.stop();
  await (await gateway.send(VIEWER, {}, { authorization: `Bearer ${await token('ann', await makeKey())}` })).text();
  await requestLines(gateway, sent.length + 1);
  const log = gateway.logLines.join('');
  const parts = secrets.flatMap((secret) => secret.split('.')).filter((part) => part.length > 12);
  for (const part of parts) expect(log).not.toContain(part.slice(0, 16));
});

/** A body in pieces, each in a turn of its own. */
async function* inPieces(body: string) {
  for (const piece of body.match(/.{1,40}/g) ?? []) {
    yield piece;
    await new Promise(setImmediate);
  }
}

// Proxies send many viewers' requests over one connection.
test('two viewers take turns on one connection 10,000 times, and never see the other’s state', async () => {
  const gateway = await openGateway({ env: { AUTH: 'development' } });
  for (const id of ['ann', 'bob', 'star']) gateway.sandbox.world.importAccount(id);
  gateway.sandbox.world.follow('ann', 'star');
  const shown = '{ viewer { id } user(id: "star") { viewerIsFollowing } }';
  const connections: unknown[] = [];
  const client = new Client(gateway.url, { pipelining: 1 });
  client.on('connect', (origin) => connections.push(origin));
  onTestFinished(() => client.destroy());

  for (let n = 0; n < 10_000; n++) {
    const id = n % 2 === 0 ? 'ann' : 'bob';
    // Whether it has been asked before; a new text would be read and priced anew.
    const variables = n % 3 === 0 ? { n } : {};
    const headers = { 'x-viewer-id': id, 'content-type': 'application/json' };
    const body = JSON.stringify({ query: shown, variables });
    const search = new URLSearchParams({ query: shown, variables: JSON.stringify(variables) });
    const { body: answer } = await client.request(
      n % 4 < 2
        ? { method: 'GET', path: `/graphql?${search}`, headers: { 'x-viewer-id': id } }
        : { method: 'POST', path: '/graphql', headers, body: n % 8 < 4 ? body : Readable.from(inPieces(body)) },
    );
    const { data } = (await answer.json()) as { data: unknown };
    const expected = { viewer: { id }, user: { viewerIsFollowing: id === 'ann' } };
    if (JSON.stringify(data) !== JSON.stringify(expected)) expect({ n, data }).toEqual({ n, data: expected });
  }
  expect(connections).toHaveLength(1);
}, 240_000);
