import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import { createTencentClient, type TencentClientOptions } from '../../src/tencent/client.ts';
import { verifyUserSig } from '../../src/tencent/user-sig.ts';
import {
  fail,
  failureOf,
  ok,
  type Script,
  SDK_APP_ID,
  SECRET_KEY,
  type SeenRequest,
  startClient,
} from './scripted-upstream.ts';

const UNAVAILABLE = { code: 'UPSTREAM_UNAVAILABLE', upstream: { command: 'follow_get', retryable: true } };

/** A budget that lets everything go, after `admitting`, and counts what it is told. */
function createLenientBudget(admitting: () => void | Promise<void> = () => {}) {
  const told = { admitted: 0, again: 0, throttled: 0 };
  const budget: TencentClientOptions['budget'] = {
    async admit(_command, _call, again) {
      told.admitted++;
      if (again) told.again++;
      await admitting();
    },
    throttled: () => void told.throttled++,
  };
  return { budget, told };
}

/** Resolves when the upstream has seen `count` requests. */
async function seen(requests: readonly SeenRequest[], count: number): Promise<void> {
  while (requests.length < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('a request', () => {
  it('has the URL, the headers and the body of the contract', async () => {
    const { client, callOptions, requests, clock } = await startClient(() => ok({ NextCursor: '' }), {
      random: () => 0.5,
    });
    const answer = await client.call('follow_get', { From_Account: 'UserID_001' }, callOptions());
    expect(answer).toEqual({ ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '', NextCursor: '' });
    const [request] = requests;
    expect(request?.path).toBe('/v4/follow/follow_get');
    const headers = { method: 'POST', 'content-type': 'application/json', connection: 'keep-alive' };
    expect(request?.headers).toMatchObject(headers);
    expect(request?.body).toEqual({ From_Account: 'UserID_001' });
    const { usersig = '', ...query } = Object.fromEntries(request?.query ?? []);
    expect(query).toEqual({
      sdkappid: String(SDK_APP_ID),
      identifier: 'administrator',
      random: '2147483648',
      contenttype: 'json',
    });
    const expected = { sdkAppId: SDK_APP_ID, secretKey: SECRET_KEY, now: clock.now() / 1000 };
    expect(verifyUserSig(usersig, expected)).toMatchObject({ ok: true, userId: 'administrator' });
  });

  it('goes to the service of its command, below the path of the base URL', async () => {
    const { upstream, callOptions, clock, requests } = await startClient(() => ok());
    const options = { sdkAppId: 1, adminId: 'a b&c', secretKey: 'key', clock };
    const client = createTencentClient({ ...options, baseUrl: `${upstream.baseUrl}/proxy/` });
    await client.call('portrait_get', {}, callOptions());
    await client.call('account_check', {}, callOptions());
    await client.close();
    expect(requests.map(({ path }) => path)).toEqual([
      '/proxy/v4/profile/portrait_get',
      '/proxy/v4/im_open_login_svc/account_check',
    ]);
    expect(requests[0]?.query.get('identifier')).toBe('a b&c');
  });

  it('has a fresh random label and the same signature each time, on kept-alive connections', async () => {
    const { client, callOptions, requests } = await startClient(() => ok());
    for (let i = 0; i < 5; i++) await client.call('follow_get', {}, callOptions());
    expect(new Set(requests.map(({ query }) => query.get('random'))).size).toBe(5);
    expect(new Set(requests.map(({ query }) => query.get('usersig'))).size).toBe(1);
    // One more may be opened while the first is being made ready again.
    expect(new Set(requests.map(({ connection }) => connection)).size).toBeLessThanOrEqual(2);
  });
});

describe('an answer', () => {
  it.each([
    ['status 502 with HTML', 502, '<html>Bad Gateway</html>'],
    ['status 502 with a successful body', 502, JSON.stringify(ok())],
    ['status 204', 204, ''],
    ['no body', 200, ''],
    ['no JSON', 200, 'hello'],
    ['truncated JSON', 200, '{"ActionStatus":"OK","ErrorCode":0,"Fol'],
    ['JSON that is a list', 200, '[]'],
    ['JSON that is null', 200, 'null'],
    ['no ErrorCode', 200, '{"ActionStatus":"OK"}'],
    ['an ErrorCode in quotes', 200, '{"ActionStatus":"OK","ErrorCode":"0"}'],
    ['a fractional ErrorCode', 200, '{"ActionStatus":"OK","ErrorCode":0.5}'],
    ['ErrorCode 0 and FAIL', 200, '{"ActionStatus":"FAIL","ErrorCode":0}'],
    ['ErrorCode 0 and no ActionStatus', 200, '{"ErrorCode":0}'],
  ])('with %s is no answer: tried three times, then UPSTREAM_UNAVAILABLE', async (_what, status, text) => {
    const { client, callOptions, requests } = await startClient(({ response }) => {
      response.writeHead(status).end(text);
      return undefined;
    });
    expect(await failureOf(client.call('follow_get', {}, callOptions()))).toMatchObject(UNAVAILABLE);
    expect(requests).toHaveLength(3);
  });

  it('above 16 MiB is cut off and not asked for again', async () => {
    const { client, callOptions, requests } = await startClient(({ response }) => {
      response.on('error', () => {});
      response.writeHead(200).end(Buffer.alloc(17 * 1024 * 1024, 32));
      return undefined;
    });
    expect(await failureOf(client.call('follow_get', {}, callOptions()))).toMatchObject(UNAVAILABLE);
    expect(requests).toHaveLength(1);
  });
});

describe('trying again', () => {
  it('waits longer each time, by half to all of 100 and 200 ms', async () => {
    const low = await startClient(() => fail(30006), { random: () => 0 });
    await failureOf(low.client.call('follow_get', {}, low.callOptions()));
    expect(low.clock.waits).toEqual([50, 100]);
    const high = await startClient(() => fail(30006), { random: () => 0.999 });
    await failureOf(high.client.call('follow_get', {}, high.callOptions()));
    expect(high.clock.waits.map(Math.round)).toEqual([100, 200]);
  });

  it('goes on for more than a second when the upstream is asked too often, and tells the budget', async () => {
    const { budget, told } = createLenientBudget();
    const { client, callOptions, clock } = await startClient((_request, index) => (index < 2 ? fail(60007) : ok()), {
      random: () => 0.5,
      budget,
    });
    await client.call('follow_get', {}, callOptions());
    expect(clock.waits).toEqual([375, 750]);
    expect(told).toEqual({ admitted: 3, again: 2, throttled: 2 });
  });

  it.each(['follow_add', 'follow_delete'] as const)('never repeats a %s that may have been done', async (command) => {
    for (const reply of [fail(30007), fail(30006), undefined]) {
      const { client, callOptions, requests } = await startClient(({ socket }) => {
        if (reply === undefined) socket.destroy();
        return reply;
      });
      expect(await failureOf(client.call(command, {}, callOptions()))).toMatchObject({ mayHaveHappened: true });
      expect(requests).toHaveLength(1);
    }
  });
});

describe('connections', () => {
  it('that all died at once while idle cost no failure and no try', async () => {
    const size = 20;
    const waiting: SeenRequest[] = [];
    const { budget, told } = createLenientBudget();
    const { client, callOptions, clock, requests } = await startClient(
      (request) => {
        // Reused connections die without a byte of an answer, every one of them.
        if (request.turn > 0) {
          request.socket.destroy();
          return undefined;
        }
        if (request.connection >= size) return ok({ fresh: true });
        waiting.push(request);
        if (waiting.length === size) for (const { response } of waiting.splice(0)) response.end(JSON.stringify(ok()));
        return undefined;
      },
      { connections: size, budget },
    );
    const ask = () => Promise.all(Array.from({ length: size }, () => client.call('follow_get', {}, callOptions())));
    await ask();
    const answers = await ask();
    expect(answers.every((answer) => answer.fresh)).toBe(true);
    expect(clock.waits).toEqual([]);
    expect(requests.filter(({ turn }) => turn > 0).length).toBeGreaterThanOrEqual(size);
    expect(told).toEqual({ admitted: requests.length, again: 0, throttled: 0 });
  });

  it('that no server accepts are failures, tried three times', async () => {
    const { client, callOptions, upstream, upstreamCalls } = await startClient(() => ok());
    upstream.server.close();
    await once(upstream.server, 'close');
    expect(await failureOf(client.call('follow_get', {}, callOptions()))).toMatchObject({
      ...UNAVAILABLE,
      reason: 'ECONNREFUSED',
    });
    expect(upstreamCalls).toHaveLength(3);
  });
});

describe('time', () => {
  it('is never more than the deadline, over all tries together', async () => {
    const { client, callOptions, clock, requests } = await startClient(() => undefined, { random: () => 0 });
    const failure = failureOf(client.call('follow_get', {}, callOptions()));
    await seen(requests, 1);
    clock.advance(5000);
    await seen(requests, 2);
    clock.advance(4950);
    expect(await failure).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      upstream: { command: 'follow_get', retryable: true },
    });
    expect(requests).toHaveLength(2);
  });

  it('that is over before the call costs no call', async () => {
    const { client, callOptions, clock, upstreamCalls } = await startClient(() => ok());
    const call = { ...callOptions(), deadlineAt: clock.now() };
    expect(await failureOf(client.call('follow_get', {}, call))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(upstreamCalls).toEqual([]);
  });

  it('spent waiting for admission counts', async () => {
    const { budget, told } = createLenientBudget(() => clock.advance(10_000));
    const { client, callOptions, clock, upstreamCalls } = await startClient(() => ok(), { budget });
    expect(await failureOf(client.call('follow_get', {}, callOptions()))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(upstreamCalls).toEqual([]);
    expect(told.admitted).toBe(1);
  });
});

describe('a refused signature', () => {
  it('too many times stops also calls that wait for admission', async () => {
    const { promise: open, resolve: openUp } = Promise.withResolvers<void>();
    const { budget, told } = createLenientBudget(() => (told.admitted > 1 ? open : undefined));
    const { client, callOptions, requests } = await startClient(() => fail(70050), { budget });
    const [first, ...others] = Array.from({ length: 5 }, () => failureOf(client.call('follow_get', {}, callOptions())));
    await first;
    openUp();
    for (const other of others) expect(await other).toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
    expect(requests).toHaveLength(1);
  });
});

describe('what a client reads', () => {
  it.each<[string, Script]>([
    ['a reset connection', ({ socket }) => void socket.destroy()],
    ['an error page', ({ response }) => void response.writeHead(502).end('<html>')],
    ['garbage', ({ response }) => void response.end('garbage')],
    ['an HTTP parser error', ({ socket }) => void socket.end('nonsense\r\n\r\n')],
    ['an answer that breaks off', ({ response, socket }) => void response.write('{', () => socket.destroy())],
    ['an internal error', () => fail(30006, 'odd')],
    ['an unknown code', () => fail(4711, 'odd')],
    ['too many calls', () => fail(60007, 'odd')],
    ['a refused signature', () => fail(70009, 'odd')],
    ['an unknown account', () => fail(30003, 'odd')],
    ['an internal timeout', () => fail(30007, 'odd')],
  ])('of %s is a sentence; the reason is in the log, command and number in the extensions', async (_what, script) => {
    const { client, callOptions, reports } = await startClient(script);
    const error = (await failureOf(client.call('follow_get', {}, callOptions()))) as GatewayError;
    expect(error.message).toMatch(/^[A-Z][A-Za-z' ]+\.( Try again in a moment\.)?$/);
    expect(error.message).not.toMatch(/follow_get|UND_ERR|HTTP|ECONN|odd/);
    expect(error.upstream).toMatchObject({ command: 'follow_get' });
    if (error.code !== 'USER_NOT_FOUND') expect(reports[0]?.facts).toMatchObject({ command: 'follow_get' });
  });
});

describe('reports', () => {
  it('hold what an operator needs, once a minute for each failure', async () => {
    const { client, callOptions, clock, reports } = await startClient(() => ({
      ...fail(99999, 'odd'),
      RequestId: 'r1',
    }));
    await failureOf(client.call('follow_get', {}, callOptions()));
    await failureOf(client.call('follow_get', {}, callOptions()));
    expect(reports).toHaveLength(1);
    const facts = { command: 'follow_get', errorCode: 99999, errorInfo: 'odd', requestId: 'r1' };
    expect(reports).toMatchObject([{ facts }]);
    clock.advance(60_000);
    await failureOf(client.call('follow_get', {}, callOptions()));
    expect(reports).toHaveLength(2);
  });

  it('are not made of what a caller got wrong', async () => {
    const { client, callOptions, reports } = await startClient(() => fail(30003));
    await failureOf(client.call('follow_get', {}, callOptions()));
    expect(reports).toEqual([]);
  });
});
