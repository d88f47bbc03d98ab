// The keys of an issuer: fetched once, renewed when they rotate, kept while their host is down.
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { makeKey, openIssuer, type SigningKey, signToken } from '../support/issuer.ts';
import { openAuthentication } from './asking.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNAVAILABLE = { code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/try again later/) };
const NO_KEYS = 'The keys of tokens cannot be fetched';
const REFUSED = { code: 'UNAUTHENTICATED' };

async function openSingleSignOn(key?: SigningKey) {
  const shown = key ?? (await makeKey('ES256', 'one'));
  const issuer = await openIssuer([shown]);
  const clock = createTestClock();
  // jose measures the age of its keys by the date.
  vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
  onTestFinished(() => void vi.useRealTimers());
  const jwt = { jwksUrl: issuer.url, issuer: 'sso', audience: 'gateway', userClaim: 'sub' };
  const advance = (ms: number) => {
    clock.advance(ms);
    vi.setSystemTime(clock.now());
  };
  return { advance, issuer, key: shown, headers: await bearer(shown), ...openAuthentication({ jwt }, clock) };
}

/** A token that holds for two days. */
async function bearer(key: SigningKey) {
  const exp = createTestClock().now() / 1000 + 48 * 3600;
  return { authorization: `Bearer ${await signToken(key, { iss: 'sso', aud: 'gateway', sub: 'ann', exp })}` };
}

test('a hundred tokens at once, and a hundred more, cost one request for the keys', async () => {
  const { ask, issuer, headers } = await openSingleSignOn();
  await Promise.all(Array.from({ length: 100 }, () => ask(headers)));
  for (let n = 0; n < 100; n++) await ask(headers);
  expect(issuer.requests()).toBe(1);
});

test('keys that rotate again and again work at once, without a restart', async () => {
  const { ask, issuer, advance, headers: first } = await openSingleSignOn();
  await ask(first);
  for (const kid of ['second', 'third', 'fourth']) {
    advance(10_000);
    const key = await makeKey('ES256', kid);
    issuer.show(key);
    const headers = await bearer(key);
    const viewers = await Promise.all(Array.from({ length: 20 }, () => ask(headers)));
    expect(viewers.every((viewer) => viewer?.userId === 'ann')).toBe(true);
  }
  expect(issuer.requests()).toBe(4);
});

test.each(['another', 'same', undefined])(
  'a key that is withdrawn for one with the key id %s is refused as soon as the keys have been renewed',
  async (kid) => {
    const [old, fresh] = [await makeKey('ES256', kid && 'same'), await makeKey('ES256', kid)];
    const { ask, refusal, issuer, advance, headers } = await openSingleSignOn(old);
    await ask(headers);
    issuer.show(fresh);
    advance(10 * MINUTE_MS);
    // This one starts the renewal and does not wait for it.
    expect(await ask(headers)).toMatchObject({ userId: 'ann' });
    await expect.poll(() => refusal(headers)).toMatchObject(REFUSED);
    expect(await ask(await bearer(fresh))).toMatchObject({ userId: 'ann' });
  },
);

test('a flood of tokens with unknown keys fetches the keys once in ten seconds', async () => {
  const { ask, refusal, issuer, advance } = await openSingleSignOn();
  const strangers = await Promise.all(Array.from({ length: 50 }, (_, n) => makeKey('ES256', `stranger-${n}`)));
  const flood = async () => {
    const headers = await Promise.all(strangers.map((key) => bearer(key)));
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
  expect(await ask(await bearer(fresh))).toMatchObject({ userId: 'ann' });
});

test('while the host is down known keys work, for a day; a credential that cannot be checked is not called wrong', async () => {
  const { ask, refusal, issuer, advance, reported, key: known, headers } = await openSingleSignOn();
  await ask(headers);
  await issuer.stop();
  advance(HOUR_MS);
  expect(await ask(await bearer(known))).toMatchObject({ userId: 'ann' });
  expect(await refusal(await bearer(await makeKey('ES256', 'fresh')))).toEqual(UNAVAILABLE);
  // Known keys need no host: an unsigned token is as wrong as ever.
  const unsigned = headers.authorization.replace(/[^.]*\./, `Bearer ${btoa('{"alg":"none"}')}.`);
  expect(await refusal({ authorization: unsigned })).toMatchObject(REFUSED);
  expect(reported).toEqual([{ message: NO_KEYS, reason: 'ECONNREFUSED' }]);
  advance(23 * HOUR_MS);
  expect(await refusal(await bearer(known))).toEqual(UNAVAILABLE);
});

test('a host that is down from the start is found again, and reported once a minute', async () => {
  const { ask, refusal, issuer, reported, headers } = await openSingleSignOn();
  issuer.answerWith((_request, response) => response.writeHead(500).end());
  for (let n = 0; n < 20; n++) expect(await refusal(headers)).toEqual(UNAVAILABLE);
  issuer.answerWith();
  expect(await ask(headers)).toMatchObject({ userId: 'ann' });
  expect(reported).toEqual([{ message: NO_KEYS, reason: 'ERR_JOSE_GENERIC' }]);
});

test('a token with a known key does not wait for a host that does not answer', async () => {
  const { ask, issuer, advance, headers, key } = await openSingleSignOn();
  await ask(headers);
  issuer.answerWith(() => {});
  advance(10 * MINUTE_MS);
  expect(await ask(await bearer(key))).toMatchObject({ userId: 'ann' });
  await expect.poll(() => issuer.requests()).toBe(2);
});

test.each<[string, string, number]>([
  ['no JSON', '<html>hunter2</html>', 200],
  ['no key set', '{"hunter2":1}', 200],
  ['null', 'null', 200],
  ['an error page', 'hunter2', 404],
])('an answer that is %s counts as none, and is not repeated', async (_what, body, status) => {
  const { refusal, issuer, reported, headers } = await openSingleSignOn();
  issuer.answerWith((_request, response) => response.writeHead(status).end(body));
  expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(reported).toEqual([{ message: NO_KEYS, reason: expect.stringMatching(/^ERR_[A-Z_]+$/) }]);
});

test('keys are not fetched from where a redirect leads', async () => {
  const { refusal, issuer, key, headers } = await openSingleSignOn();
  const elsewhere = await openIssuer([key]);
  issuer.answerWith((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
  expect(await refusal(headers)).toEqual(UNAVAILABLE);
  expect(elsewhere.requests()).toBe(0);
});
