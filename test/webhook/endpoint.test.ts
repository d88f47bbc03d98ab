// Webhooks over HTTP, as the sandbox sends them and as no client should.
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { openTwo, openWorld } from '../graph/world.ts';
import { logged, openSocket } from '../http/requests.ts';
import { createHastyClock } from '../support/clock.ts';
import type { TestGateway } from '../support/gateway.ts';
import { counted, scrape } from '../telemetry/scrape.ts';
import {
  ADD,
  ALERT,
  addressOf,
  DELETE,
  type Forgery,
  follows,
  OK,
  PATH,
  PORTRAIT,
  TOKEN,
  tell,
  unfollows,
} from './webhook-gateway.ts';

const NOW = Date.UTC(2026, 0, 1);
const SCREEN = '{ user(id: "star") { nick fansCount fans(first: 50) { nodes { id } } } }';

type Screen = { user: { nick: string | null; fansCount: number; fans: { nodes: { id: string }[] } } };

async function read(gateway: Pick<TestGateway, 'data'>) {
  const { user } = await gateway.data<Screen>(SCREEN);
  return { nick: user.nick, count: user.fansCount, fans: user.fans.nodes.map(({ id }) => id).sort() };
}

/** A gateway that has shown star's fans, ana and bo; cy is no fan yet. */
async function openStar() {
  const clock = createHastyClock();
  const gateway = await openWorld({ hasWebhooks: true, clock, people: ['star', 'ana', 'bo', 'cy'] });
  const { world, calls } = gateway.sandbox;
  world.follow('ana', 'star');
  world.follow('bo', 'star');
  const before = { nick: null, count: 2, fans: ['ana', 'bo'] };
  expect(await read(gateway)).toEqual(before);
  const asked = calls.count();
  return { gateway, clock, before, asked, ...gateway.sandbox };
}

/** Posts by hand: the head, and what there is of a body. */
async function postRaw(gateway: TestGateway, header: string, forgery: Forgery, body = '') {
  const { write, until, closed } = openSocket(gateway);
  const { pathname, search } = new URL(addressOf(gateway, ADD, forgery));
  await write(`POST ${pathname}${search} HTTP/1.1\r\nhost: gateway\r\n${header}\r\n\r\n${body}`);
  return { answer: await until(/\r\n\r\n/), closed };
}

const webhooksOf = async (gateway: TestGateway) => counted(await scrape(gateway), 'webhooks_total');

describe('a forged webhook', () => {
  // Times are counted from now.
  test.each<[string, Forgery, string]>([
    ['by another token', { token: 'guess' }, 'its Sign is wrong'],
    ['with a Sign that is cut short', { query: { Sign: 'ab12' } }, 'its Sign is wrong'],
    ['with a Sign of as many other characters', { query: { Sign: 'z'.repeat(64) } }, 'its Sign is wrong'],
    ['for another app', { query: { SdkAppid: '1400000001' } }, 'it is for another app'],
    ['without a time', { query: { RequestTime: '' } }, 'its RequestTime is not of this minute'],
    ['at a time that is no number', { query: { RequestTime: '1e9' } }, 'its RequestTime is not of this minute'],
    ['of 61 s ago', { at: -61_000 }, 'its RequestTime is not of this minute'],
    ['of 61 s ahead', { at: 61_000 }, 'its RequestTime is not of this minute'],
    ['with kilobytes of address', { query: { ClientIP: 'x'.repeat(2048) } }, 'its address is too long'],
  ])('%s is refused, and costs the upstream nothing', async (_how, forgery, reason) => {
    const { gateway, clock, before, asked, world, calls } = await openStar();
    world.follow('cy', 'star');
    const at = clock.now() + (forgery.at ?? 0);
    const response = await tell(gateway, ADD, follows('cy', ['star'], NOW), { ...forgery, at });
    expect([response.status, await response.json()]).toMatchObject([403, { ActionStatus: 'FAIL', ErrorCode: 403 }]);
    expect(logged(gateway, 'A webhook is refused')).toMatchObject([{ reason }]);
    expect(await read(gateway)).toEqual(before);
    expect(calls.count()).toBe(asked);
    expect(await webhooksOf(gateway)).toEqual({ '{command="none",outcome="refused"}': 1 });
  });

  test('under a signature that was seen, claims what is not so in vain', async () => {
    const { gateway, clock, before } = await openStar();
    const at = clock.now();
    expect((await tell(gateway, ADD, follows('bo', ['ana'], at), { at })).status).toBe(200);
    for (const [command, body] of [
      [ADD, follows('cy', ['star'], at)],
      [DELETE, unfollows('ana', ['star'], at)],
      [PORTRAIT, { From_Account: 'star', EventTime: at, ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: 'X' }] }],
      [ADD, follows('ghost', ['star'], at)],
    ] as const)
      expect(await (await tell(gateway, command, body, { at })).json()).toEqual(OK);
    expect(await read(gateway)).toEqual(before);
    clock.advance(5000);
    expect(await read(gateway)).toEqual(before);
    const { errors } = await gateway.query('{ user(id: "ghost") { nick } }');
    expect(errors).toMatchObject([{ extensions: { code: 'USER_NOT_FOUND' } }]);
  });
});

describe('the answer', () => {
  test('does not wait for the upstream', async () => {
    const { clock, faults, act, webhooks, calls, asked } = await openStar();
    faults.set({ silence: {} });
    act.follow('cy', 'star');
    await webhooks.settled();
    expect(webhooks.deliveries()).toMatchObject([{ outcome: 'answered' }]);
    await expect.poll(() => calls.count()).toBeGreaterThan(asked);
    expect(clock.now()).toBeLessThan(NOW + 4000);
  });

  test('does not wait for Redis', async () => {
    const { gateway, redis } = await openTwo({ hasWebhooks: true, people: ['star', 'cy'] });
    redis.pause();
    expect(await (await tell(gateway, ADD, follows('cy', ['star'], Date.now()))).json()).toEqual(OK);
    // It would have been given up by now, had the answer waited.
    expect(logged(gateway, 'Redis is away; carrying on without it')).toEqual([]);
    redis.resume();
  });

  test('is OK to a signed webhook of no use here, of which nothing is read', async () => {
    const { gateway, asked, calls } = await openStar();
    const response = await tell(gateway, 'Group.CallbackAfterNewMemberJoin', 'no JSON', { at: NOW });
    expect([response.status, await response.json()]).toEqual([200, OK]);
    expect(calls.count()).toBe(asked);
    expect(await webhooksOf(gateway)).toEqual({ '{command="none",outcome="ignored"}': 1 });
  });

  test.each(['GET', 'PUT', 'DELETE'])('to %s is that webhooks are posted', async (method) => {
    const { gateway } = await openStar();
    const response = await tell(gateway, ADD, method === 'GET' ? '' : follows('cy', ['star']), { at: NOW, method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('to a body of 64 KB is OK, to more it is that it is too large, whether its length is told or not', async () => {
    const { gateway } = await openStar();
    const sized = (bytes: number) => {
      const text = JSON.stringify({ CallbackCommand: ADD, ...follows('cy', ['star'], NOW), more: '' });
      return text.replace('"more":""', `"more":"${'x'.repeat(bytes - text.length)}"`);
    };
    const url = addressOf(gateway, ADD, { at: NOW });
    expect((await fetch(url, { method: 'POST', body: sized(65_536) })).status).toBe(200);
    expect((await fetch(url, { method: 'POST', body: sized(65_537) })).status).toBe(413);
    const chunks = `${(200_000).toString(16)}\r\n${sized(200_000)}\r\n0\r\n\r\n`;
    const { answer } = await postRaw(gateway, 'transfer-encoding: chunked', { at: NOW }, chunks);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(await webhooksOf(gateway)).toEqual({
      [`{command="${ADD}",outcome="taken"}`]: 1,
      [`{command="${ADD}",outcome="malformed"}`]: 2,
    });
  });

  test('to a body that is no JSON is that it makes no sense, and the log says so once a minute', async () => {
    const { gateway, clock, before, asked, calls } = await openStar();
    const body = '{"CallbackCommand":';
    for (let n = 0; n < 3; n++) expect((await tell(gateway, ADD, body, { at: NOW })).status).toBe(400);
    expect(logged(gateway, 'A webhook is refused')).toMatchObject([
      { callback: ADD, reason: 'its body makes no sense' },
    ]);
    clock.advance(60_000);
    await tell(gateway, ADD, body, { at: clock.now() });
    expect(logged(gateway, 'A webhook is refused')).toHaveLength(2);
    clock.advance(-60_000);
    expect(await read(gateway)).toEqual(before);
    expect(calls.count()).toBe(asked);
  });

  test.each([
    ['content-length: 1000', false],
    ['content-length: 100000000', true],
    ['transfer-encoding: chunked', true],
  ])(
    'to what is refused comes before its body, and ends the connection when that may be long: %s',
    async (header, isLong) => {
      const { gateway } = await openStar();
      const { answer, closed } = await postRaw(gateway, header, { at: NOW, token: 'guess' });
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      if (!isLong) return;
      expect(answer).toMatch(/\r\nconnection: close\r\n/i);
      await closed;
    },
  );
});

test('an alert of a near rate limit is in the log once a minute, and counted each time', async () => {
  const { gateway } = await openStar();
  const alert = { ServiceName: 'follow', Command: 'follow_get', Request: 171, Limit: 200 };
  for (let n = 0; n < 3; n++) expect((await tell(gateway, ALERT, alert, { at: NOW })).status).toBe(200);
  expect(logged(gateway, 'The upstream warns: calls come near to its limit')).toMatchObject([
    { level: 40, service: 'follow', command: 'follow_get', calls: 171, limit: 200 },
  ]);
  expect(await webhooksOf(gateway)).toEqual({ [`{command="${ALERT}",outcome="taken"}`]: 3 });
});

test('no secret of a webhook reaches the log', async () => {
  const { gateway } = await openStar();
  const forged = addressOf(gateway, ADD, { at: NOW, token: 'guess' });
  const signed = addressOf(gateway, ADD, { at: NOW });
  await fetch(forged, { method: 'POST', body: '{}' });
  await fetch(signed, { method: 'POST', body: '{"secret":"said"}' });
  for (const mistaken of [`/${PATH}`, `${PATH}/`]) await fetch(signed.replace(PATH, mistaken), { method: 'POST' });
  await expect.poll(() => logged(gateway, 'webhook')).toHaveLength(2);
  await expect.poll(() => logged(gateway).filter(({ status }) => status === 404)).toHaveLength(2);
  const text = gateway.logLines.join('');
  for (const secret of [TOKEN, PATH, ...[forged, signed].map((url) => new URL(url).searchParams.get('Sign')), 'said'])
    expect(text).not.toContain(secret);
});

test('without a token there is no endpoint', async () => {
  const gateway = await openWorld();
  expect((await tell(gateway, ADD, follows('cy', ['star']))).status).toBe(404);
});

test('without a path of its own it has one that is derived from the secret key: another one for every key', async () => {
  const derived = (TENCENT_SECRET_KEY: string, WEBHOOK_TOKEN = TOKEN) =>
    readConfig({
      TENCENT_SDK_APP_ID: '1400000000',
      TENCENT_BASE_URL: 'http://127.0.0.1:1',
      TENCENT_SECRET_KEY,
      WEBHOOK_TOKEN,
    }).webhook?.path ?? '';
  const path = derived(SANDBOX_APP.secretKey);
  expect(path).toMatch(/^\/webhooks\/[\w-]{24}$/);
  expect(derived(SANDBOX_APP.secretKey, 'another token')).toBe(path);
  expect(derived('another secret key')).not.toBe(path);
  const gateway = await openWorld({ env: { WEBHOOK_TOKEN: TOKEN } });
  const url = addressOf(gateway, 'Group.CallbackAfterNewMemberJoin', { at: gateway.clock.now() });
  expect((await fetch(url.replace(PATH, path), { method: 'POST' })).status).toBe(200);
  expect((await fetch(url, { method: 'POST' })).status).toBe(404);
});
