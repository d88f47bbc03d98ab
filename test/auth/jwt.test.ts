// Tokens of a single sign-on as credentials: which hold, and the keys of their issuer, fetched once, renewed, kept.
import { createHmac } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config.ts';
import { createTestClock } from '../support/clock.ts';
import { makeKey, openIssuer, type SigningKey, signToken } from '../support/issuer.ts';
import { openAuthentication } from './asking.ts';

const ISSUER = 'https://sso.example.com/';
const AUDIENCE = 'follow-gateway';
const START_SECONDS = createTestClock().now() / 1000;
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: START_SECONDS + 600 };

/** Opens an authentication that trusts `key`, which signs `bearer`'s tokens. */
async function openSingleSignOn(key: SigningKey, settings: Partial<Config['auth']['jwt']> = {}) {
  const issuer = await openIssuer([key]);
  const clock = createTestClock();
  const jwt = { jwksUrl: issuer.url, issuer: ISSUER, audience: AUDIENCE, userClaim: 'sub', ...settings };
  const bearer = async (change: JWTPayload = {}) => asBearer(await signToken(key, { ...CLAIMS, ...change }));
  return { clock, issuer, bearer, ...openAuthentication({ jwt }, clock) };
}

const asBearer = (token: string) => ({ authorization: `Bearer ${token}` });
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const refusedFor = (why: RegExp) => ({ code: 'UNAUTHENTICATED', message: expect.stringMatching(why) });

test.each(['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'])('a token signed by %s proves its user', async (alg) => {
  const { ask, bearer } = await openSingleSignOn(await makeKey(alg, 'key-1'));
  expect(await ask(await bearer())).toEqual({ userId: 'ann', expiresAt: (CLAIMS.exp + 5) * 1000 - 1 });
});

test('the claim that names the user is a setting, and the audience may be one of several', async () => {
  const { ask, bearer } = await openSingleSignOn(await makeKey(), { userClaim: 'https://example.com/chat_id' });
  const headers = await bearer({ aud: ['web', AUDIENCE], 'https://example.com/chat_id': 'bob' });
  expect(await ask(headers)).toMatchObject({ userId: 'bob' });
});

test('a token holds until five seconds after its expiry, in which clocks may differ', async () => {
  const { ask, bearer, refusal, clock } = await openSingleSignOn(await makeKey());
  const headers = await bearer();
  clock.advance(605_000 - 1);
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  clock.advance(1);
  expect(await refusal(headers)).toEqual(refusedFor(/has expired/));
});

test('a token that is not valid yet is valid later, and at once when its issuer is three seconds ahead', async () => {
  const { ask, bearer, refusal, clock } = await openSingleSignOn(await makeKey());
  const headers = await bearer({ iat: START_SECONDS + 60, nbf: START_SECONDS + 60 });
  expect(await refusal(headers)).toEqual(refusedFor(/^The token is not valid yet\.$/));
  clock.advance(57_000);
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
});

test.each<[string, JWTPayload, RegExp]>([
  ['for another audience', { aud: 'another-gateway' }, /another audience/],
  ['for no audience', { aud: undefined }, /lacks the claim "aud"/],
  ['from another issuer', { iss: 'https://evil.example.com/' }, /another issuer/],
  ['from nobody', { iss: undefined }, /lacks the claim "iss"/],
  ['that never expires', { exp: undefined }, /lacks the claim "exp"/],
  ['that names no user', { sub: undefined }, /lacks the claim "sub"/],
  ['that names a number', { sub: 7 as unknown as string }, /not a user id/],
  ['with an id that the pattern refuses', { sub: 'ann\nbob' }, /not a user id/],
  ['with an id longer than 32 bytes', { sub: 'a'.repeat(33) }, /not a user id/],
])('a token %s is refused, and the refusal says why', async (_what, change, why) => {
  const { bearer, refusal } = await openSingleSignOn(await makeKey());
  expect(await refusal(await bearer(change))).toEqual(refusedFor(why));
});

const BY_ALGORITHM = /algorithm that is taken here: RS256, /;
test.each<[string, (key: SigningKey) => Promise<string> | string, why?: RegExp]>([
  ['without a signature ("alg": "none")', () => `${encode({ alg: 'none' })}.${encode(CLAIMS)}.`, BY_ALGORITHM],
  ['signed by HMAC with the public key', (key) => signByHmac(key, JSON.stringify(key.jwk)), BY_ALGORITHM],
  ['signed by a stranger under the name of the key', async () => signToken(await makeKey('RS256', 'key-1'), CLAIMS)],
  ['signed by a stranger under another name', async () => signToken(await makeKey('RS256', 'key-2'), CLAIMS)],
  ['that brings its own key', async () => signWithOwnKey()],
  ['whose claims were changed', (key) => altered(key, { ...CLAIMS, sub: 'eve' })],
  ['that is cut off', async (key) => (await signToken(key, CLAIMS)).slice(0, -10)],
  ['that is none', () => 'hunter2'],
])('a token %s is refused, and not repeated', async (_what, make, why = /./) => {
  const key = await makeKey('RS256', 'key-1');
  const { ask, bearer, refusal } = await openSingleSignOn(key);
  const token = await make(key);
  const refused = await refusal(asBearer(token));
  expect(refused).toEqual(refusedFor(why));
  expect(refused?.message).not.toContain(token);
  expect(await ask(await bearer())).toMatchObject({ userId: 'ann' });
});

test('a key that is shown for encryption signs nothing', async () => {
  const key = await makeKey('RS256', 'key-1');
  const { bearer, refusal } = await openSingleSignOn({ ...key, jwk: { ...key.jwk, use: 'enc' } });
  expect(await refusal(await bearer())).toMatchObject({ code: 'UNAUTHENTICATED' });
});

/** A token with other claims under the signature that the right ones have. */
async function altered(key: SigningKey, claims: object): Promise<string> {
  const [head, , signature] = (await signToken(key, CLAIMS)).split('.');
  return [head, encode(claims), signature].join('.');
}

function signByHmac({ kid }: SigningKey, secret: string): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${encode(CLAIMS)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The header carries the key itself, which must not count. */
async function signWithOwnKey(): Promise<string> {
  const key = await makeKey('RS256', 'key-1');
  return new SignJWT(CLAIMS).setProtectedHeader({ alg: key.alg, kid: 'key-1', jwk: key.jwk }).sign(key.privateKey);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNAVAILABLE = { code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/try again later/) };
const NO_KEYS = 'The keys of tokens cannot be fetched';
const REFUSED = { code: 'UNAUTHENTICATED' };

/** The same, and a token of two days; jose measures the age of its keys by the date. */
async function openDated(key?: SigningKey) {
  const shown = key ?? (await makeKey('ES256', 'one'));
  const { clock, ...authentication } = await openSingleSignOn(shown);
  vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
  onTestFinished(() => void vi.useRealTimers());
  const advance = (ms: number) => {
    clock.advance(ms);
    vi.setSystemTime(clock.now());
  };
  return { ...authentication, advance, key: shown, headers: await bearerOf(shown) };
}

const bearerOf = async (key: SigningKey) =>
  asBearer(await signToken(key, { ...CLAIMS, exp: START_SECONDS + 48 * 3600 }));

test('a hundred tokens at once, and a hundred more, cost one request for the keys', async () => {
  const { ask, issuer, headers } = await openDated();
  await Promise.all(Array.from({ length: 100 }, () => ask(headers)));
  for (let n = 0; n < 100; n++) await ask(headers);
  expect(issuer.requests()).toBe(1);
});

test('keys that rotate again and again work at once, without a restart', async () => {
  const { ask, issuer, advance, headers: first } = await openDated();
  await ask(first);
  for (const kid of ['second', 'third', 'fourth']) {
    advance(10_000);
    const key = await makeKey('ES256', kid);
    issuer.show(key);
    const headers = await bearerOf(key);
    const viewers = await Promise.all(Array.from({ length: 20 }, () => ask(headers)));
    expect(viewers.every((viewer) => viewer?.userId === 'ann')).toBe(true);
  }
  expect(issuer.requests()).toBe(4);
});

test.each(['another', 'same', undefined])(
  'a key that is withdrawn for one with the key id %s is refused as soon as the keys have been renewed',
  async (kid) => {
    const [old, fresh] = [await makeKey('ES256', kid && 'same'), await makeKey('ES256', kid)];
    const { ask, refusal, issuer, advance, headers } = await openDated(old);
    await ask(headers);
    issuer.show(fresh);
    advance(10 * MINUTE_MS);
    // This one starts the renewal and does not wait for it.
    expect(await ask(headers)).toMatchObject({ userId: 'ann' });
    await expect.poll(() => refusal(headers)).toMatchObject(REFUSED);
    expect(await ask(await bearerOf(fresh))).toMatchObject({ userId: 'ann' });
  },
);

test('a flood of tokens with unknown keys fetches the keys once in ten seconds', async () => {
  const { ask, refusal, issuer, advance } = await openDated();
  const strangers = await Promise.all(Array.from({ length: 50 }, (_, n) => makeKey('ES256', `stranger-${n}`)));
  const flood = async () => {
    const headers = await Promise.all(strangers.map((key) => bearerOf(key)));
    for (const refused of await Promise.all(headers.map(refusal))) expect(refused).toMatchObject(REFUSED);
  };
  await flood();
  advance(9999);
  await flood();
  expect(issuer.requests()).toBe(1);
  advance(1);
  await flood();
  expect(issuer.requests()).toBe(2);
  // A rotated key is found ten seconds after a flood, at the latest.
  const fresh = await makeKey('ES256', 'fresh');
  issuer.show(fresh);
  advance(10_000);
  expect(await ask(await bearerOf(fresh))).toMatchObject({ userId: 'ann' });
});

test('while the host is down known keys work, for a day; a credential that cannot be checked is not called wrong', async () => {
  const { ask, refusal, issuer, advance, reported, key: known, headers } = await openDated();
  await ask(headers);
  await issuer.stop();
  advance(HOUR_MS);
  expect(await ask(await bearerOf(known))).toMatchObject({ userId: 'ann' });
  expect(await refusal(await bearerOf(await makeKey('ES256', 'fresh')))).toEqual(UNAVAILABLE);
  // Known keys need no host: an unsigned token is as wrong as ever.
  const unsigned = headers.authorization.replace(/[^.]*\./, `Bearer ${btoa('{"alg":"none"}')}.`);
  expect(await refusal({ authorization: unsigned })).toMatchObject(REFUSED);
  expect(reported).toEqual([{ message: NO_KEYS, reason: 'ECONNREFUSED' }]);
  advance(23 * HOUR_MS);
  expect(await refusal(await bearerOf(known))).toEqual(UNAVAILABLE);
});

test('a token with a known key does not wait for a host that does not answer', async () => {
  const { ask, issuer, advance, headers, key } = await openDated();
  await ask(headers);
  issuer.answerWith(() => {});
  advance(10 * MINUTE_MS);
  expect(await ask(await bearerOf(key))).toMatchObject({ userId: 'ann' });
  await expect.poll(() => issuer.requests()).toBe(2);
});

test.each([
  ['no JSON', '<html>hunter2</html>', 200],
  ['no key set', '{"hunter2":1}', 200],
  ['null', 'null', 200],
  ['an error page', 'hunter2', 404],
  ['an error', 'hunter2', 500],
])(
  'keys that are %s count as none, which is reported once a minute, and are found as soon as they are there',
  async (_what, text, status) => {
    const { ask, refusal, issuer, reported, headers } = await openDated();
    issuer.answerWith((_request, response) => response.writeHead(status).end(text));
    for (let n = 0; n < 20; n++) expect(await refusal(headers)).toEqual(UNAVAILABLE);
    issuer.answerWith();
    expect(await ask(headers)).toMatchObject({ userId: 'ann' });
    expect(reported).toEqual([{ message: NO_KEYS, reason: expect.stringMatching(/^ERR_[A-Z_]+$/) }]);
  },
);

test('keys are not fetched from where a redirect leads', async () => {
  const { refusal, issuer, key, headers } = await openDated();
  const elsewhere = await openIssuer([key]);
  issuer.answerWith((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
  expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(elsewhere.requests()).toBe(0);
});
