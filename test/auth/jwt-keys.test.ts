// The keys of an issuer: fetched once, renewed when they rotate, kept while their host is down.
import { errors } from 'jose';
import { expect, test } from 'vitest';
import { createKeySet, type Keys } from '../../src/auth/key-set.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { makeKey, openIssuer, type SigningKey, signToken } from '../support/issuer.ts';
import { openAuthentication } from './asking.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNAVAILABLE = { code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/try again later/) };
const REFUSED = { code: 'UNAUTHENTICATED' };

async function openSingleSignOn(...keys: SigningKey[]) {
  const issuer = await openIssuer(keys);
  const clock = createTestClock();
  const jwt = { jwksUrl: issuer.url, issuer: 'sso', audience: 'gateway', userClaim: 'sub' };
  return { clock, issuer, ...openAuthentication({ jwt }, clock) };
}

/** A token that holds for two days. */
async function bearer(key: SigningKey, clock: TestClock = createTestClock()) {
  const exp = Math.floor(clock.now() / 1000) + 48 * 3600;
  return { authorization: `Bearer ${await signToken(key, { iss: 'sso', aud: 'gateway', sub: 'ann', exp })}` };
}

test('a hundred tokens at once, and a hundred more, cost one request for the keys', async () => {
  const key = await makeKey('ES256', 'one');
  const { ask, issuer } = await openSingleSignOn(key);
  const headers = await bearer(key);
  await Promise.all(Array.from({ length: 100 }, () => ask(headers)));
  for (let n = 0; n < 100; n++) await ask(headers);
  expect(issuer.requests()).toBe(1);
});

test('keys that rotate again and again work at once, without a restart', async () => {
  const { ask, issuer } = await openSingleSignOn(await makeKey('ES256', 'first'));
  for (const kid of ['second', 'third', 'fourth']) {
    const key = await makeKey('ES256', kid);
    issuer.show(key);
    const headers = await bearer(key);
    const viewers = await Promise.all(Array.from({ length: 20 }, () => ask(headers)));
    expect(viewers.every((viewer) => viewer?.userId === 'ann')).toBe(true);
  }
});

test('a key that is replaced in place works at once, with and without a key id', async () => {
  for (const kid of ['same', undefined]) {
    const [old, fresh] = [await makeKey('ES256', kid), await makeKey('ES256', kid)];
    const { ask, refusal, issuer } = await openSingleSignOn(old);
    expect(await ask(await bearer(old))).toMatchObject({ userId: 'ann' });
    issuer.show(fresh);
    expect(await ask(await bearer(fresh))).toMatchObject({ userId: 'ann' });
    expect(await refusal(await bearer(old))).toMatchObject(REFUSED);
  }
});

test('a key that is withdrawn is refused as soon as the keys have been renewed', async () => {
  const [old, fresh] = [await makeKey('ES256', 'old'), await makeKey('ES256', 'fresh')];
  const { ask, refusal, issuer, clock } = await openSingleSignOn(old);
  const headers = await bearer(old);
  await ask(headers);
  issuer.show(fresh);
  clock.advance(10 * MINUTE_MS + 1);
  // This one starts the renewal and does not wait for it.
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  await expect.poll(() => refusal(headers)).toMatchObject(REFUSED);
});

test('a flood of tokens with keys that nobody knows asks for the keys once in ten seconds', async () => {
  const { refusal, issuer, clock } = await openSingleSignOn(await makeKey('ES256', 'one'));
  const strangers = await Promise.all(Array.from({ length: 50 }, (_, n) => makeKey('ES256', `stranger-${n}`)));
  const flood = async () => {
    const headers = await Promise.all(strangers.map((key) => bearer(key)));
    for (const refused of await Promise.all(headers.map(refusal))) expect(refused).toMatchObject(REFUSED);
    for (const header of headers) expect(await refusal(header)).toMatchObject(REFUSED);
  };
  await flood();
  expect(issuer.requests()).toBe(2);
  clock.advance(9999);
  await flood();
  expect(issuer.requests()).toBe(2);
  clock.advance(1);
  await flood();
  expect(issuer.requests()).toBe(3);
});

test('a rotated key is found ten seconds after a flood, at the latest', async () => {
  const { ask, refusal, issuer, clock } = await openSingleSignOn(await makeKey('ES256', 'one'));
  expect(await refusal(await bearer(await makeKey('ES256', 'stranger')))).toMatchObject(REFUSED);
  const fresh = await makeKey('ES256', 'fresh');
  issuer.show(fresh);
  clock.advance(10_000);
  expect(await ask(await bearer(fresh))).toMatchObject({ userId: 'ann' });
});

test('a token that is being checked while the keys are renewed is checked with the new ones, in a pause too', async () => {
  const issuer = await openIssuer([await makeKey('ES256', 'one')]);
  const keySet = createKeySet({ url: issuer.url, clock: createTestClock(), report: () => {} });
  const misfit = () => Promise.reject(new errors.JWKSNoMatchingKey());
  const tried: Keys[] = [];
  await keySet.check(async (keys) => {
    tried.push(keys);
    if (tried.length > 1) return;
    // Somebody else's search ends in vain meanwhile.
    await keySet.check(misfit).catch(() => {});
    return misfit();
  });
  expect(tried).toHaveLength(2);
  expect(tried[1]).not.toBe(tried[0]);
  expect(issuer.requests()).toBe(2);
});

test('while the host is down known keys work, for a day; what cannot be decided is no wrong credential', async () => {
  const [known, fresh] = [await makeKey('ES256', 'known'), await makeKey('ES256', 'fresh')];
  const { ask, refusal, issuer, clock, reported } = await openSingleSignOn(known);
  const headers = await bearer(known);
  await ask(headers);
  await issuer.stop();
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  expect(await refusal(await bearer(fresh))).toEqual(UNAVAILABLE);
  // Known keys need no host: an unsigned token is as wrong as ever.
  const unsigned = headers.authorization.replace(/[^.]*\./, `Bearer ${btoa('{"alg":"none"}')}.`);
  expect(await refusal({ authorization: unsigned })).toMatchObject(REFUSED);
  clock.advance(24 * HOUR_MS);
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  clock.advance(1001);
  expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(reported).toEqual([{ message: 'The keys of tokens cannot be fetched', reason: 'ECONNREFUSED' }]);
});

test('a host that is down from the start is asked once a second, and found again', async () => {
  const key = await makeKey('ES256', 'one');
  const { ask, refusal, issuer, clock, reported } = await openSingleSignOn(key);
  const headers = await bearer(key);
  issuer.answerWith((_request, response) => response.writeHead(500).end());
  for (let n = 0; n < 20; n++) expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(issuer.requests()).toBe(1);
  clock.advance(1000);
  for (let n = 0; n < 20; n++) expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(issuer.requests()).toBe(2);
  issuer.answerWith();
  clock.advance(1000);
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  expect(reported).toEqual([
    { message: 'The keys of tokens cannot be fetched', reason: 'the answer is HTTP 500' },
    { message: 'The keys of tokens can be fetched again' },
  ]);
});

test('a host that does not answer is given up after five seconds', async () => {
  const key = await makeKey('ES256', 'one');
  const { refusal, issuer, clock, reported } = await openSingleSignOn(key);
  issuer.answerWith(() => {});
  const refused = refusal(await bearer(key));
  await expect.poll(() => issuer.requests()).toBe(1);
  clock.advance(5000);
  expect(await refused).toEqual(UNAVAILABLE);
  expect(reported).toMatchObject([{ reason: 'no answer in 5000 ms' }]);
});

test('a host that stops in the middle of its answer is given up as well', async () => {
  const key = await makeKey('ES256', 'one');
  const { refusal, issuer, clock } = await openSingleSignOn(key);
  issuer.answerWith((_request, response) => response.write('{"keys":['));
  const refused = refusal(await bearer(key));
  await expect.poll(() => issuer.requests()).toBe(1);
  clock.advance(5000);
  expect(await refused).toEqual(UNAVAILABLE);
});

test('a token with a known key does not wait for a host that does not answer', async () => {
  const key = await makeKey('ES256', 'one');
  const { ask, issuer, clock } = await openSingleSignOn(key);
  const headers = await bearer(key);
  await ask(headers);
  issuer.answerWith(() => {});
  clock.advance(10 * MINUTE_MS + 1);
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  await expect.poll(() => issuer.requests()).toBe(2);
  // Lets the renewal go.
  clock.advance(5000);
});

test.each<[string, string, number, string]>([
  ['no JSON', '<html>hunter2</html>', 200, 'the answer is not JSON'],
  ['no key set', '{"hunter2":1}', 200, 'the answer is no key set'],
  ['null', 'null', 200, 'the answer is no key set'],
  [
    'more than 256 KiB',
    `{"keys":[],"hunter2":"${'x'.repeat(300_000)}"}`,
    200,
    'the answer is larger than 262144 bytes',
  ],
  ['an error page', 'hunter2', 404, 'the answer is HTTP 404'],
])('an answer that is %s counts as none, and is not repeated', async (_what, body, status, reason) => {
  const key = await makeKey('ES256', 'one');
  const { refusal, issuer, reported } = await openSingleSignOn(key);
  issuer.answerWith((_request, response) => response.writeHead(status).end(body));
  expect(await refusal(await bearer(key))).toEqual(UNAVAILABLE);
  expect(reported).toEqual([{ message: 'The keys of tokens cannot be fetched', reason }]);
});

test('keys are not fetched from where a redirect leads', async () => {
  const key = await makeKey('ES256', 'one');
  const { refusal, issuer, reported } = await openSingleSignOn(key);
  const elsewhere = await openIssuer([key]);
  issuer.answerWith((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
  expect(await refusal(await bearer(key))).toEqual(UNAVAILABLE);
  expect(elsewhere.requests()).toBe(0);
  expect(reported).toMatchObject([{ reason: 'the answer is HTTP 302' }]);
});
