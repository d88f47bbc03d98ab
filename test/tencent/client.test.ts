import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { TencentClientOptions } from '../../src/tencent/client.ts';
import { verifyUserSig } from '../../src/tencent/user-sig.ts';
import { COMMANDS, type Command, pathOf } from '../../src/tencent/wire.ts';
import { fail, ok, SDK_APP_ID, SECRET_KEY, type SeenRequest, startClient } from './scripted-upstream.ts';

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

describe('a request', () => {
  it('goes to the path of its command', () => {
    const follow = ['follow_get', 'follow_get_info', 'follow_check', 'follow_add', 'follow_delete'];
    const sns = ['black_list_add', 'black_list_delete', 'black_list_check', 'black_list_get'];
    expect((Object.keys(COMMANDS) as Command[]).map(pathOf)).toEqual([
      ...follow.map((command) => `/v4/follow/${command}`),
      ...['/v4/profile/portrait_get', '/v4/profile/portrait_set'],
      ...sns.map((command) => `/v4/sns/${command}`),
      ...['/v4/openim/query_online_status', '/v4/user_search/search'],
      ...['/v4/im_open_login_svc/account_check', '/v4/im_open_login_svc/multiaccount_import'],
    ]);
  });

  it('has the URL, the headers and the body of the contract', async () => {
    const { client, callOptions, requests, clock } = await startClient(() => ok({ NextCursor: '' }), {
      random: () => 0.5,
      adminId: 'a b&c',
    });
    const answer = await client.call('follow_get', { From_Account: 'UserID_001' }, callOptions());
    expect(answer).toEqual({ ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '', NextCursor: '' });
    expect(requests[0]).toMatchObject({
      path: '/v4/follow/follow_get',
      headers: { method: 'POST', 'content-type': 'application/json', connection: 'keep-alive' },
    });
    expect(requests[0]?.body).toEqual({ From_Account: 'UserID_001' });
    const { usersig = '', ...query } = Object.fromEntries(requests[0]?.query ?? []);
    expect(query).toEqual({
      sdkappid: String(SDK_APP_ID),
      identifier: 'a b&c',
      random: '2147483648',
      contenttype: 'json',
    });
    const expected = { sdkAppId: SDK_APP_ID, secretKey: SECRET_KEY, now: clock.now() / 1000 };
    expect(verifyUserSig(usersig, expected)).toMatchObject({ ok: true, userId: 'a b&c' });
  });

  it('has a fresh random label of 32 bits and the same signature each time, on kept-alive connections', async () => {
    const { ask, requests } = await startClient(() => ok());
    for (let i = 0; i < 5; i++) await ask();
    const labels = requests.map(({ query }) => Number(query.get('random')));
    expect(new Set(labels).size).toBe(5);
    for (const label of labels) expect(label >>> 0).toBe(label);
    expect(new Set(requests.map(({ query }) => query.get('usersig'))).size).toBe(1);
    // One more may be opened while the first is being made ready again.
    expect(new Set(requests.map(({ connection }) => connection)).size).toBeLessThanOrEqual(2);
  });
});

describe('an answer', () => {
  it.each([
    ['status 502 with a successful body', 502, JSON.stringify(ok())],
    ['status 204', 204, ''],
    ['no body', 200, ''],
    ['no JSON', 200, 'hello'],
    ['JSON that is a list', 200, '[]'],
    ['JSON that is null', 200, 'null'],
    ['an ErrorCode in quotes', 200, '{"ActionStatus":"OK","ErrorCode":"0"}'],
    ['a fractional ErrorCode', 200, '{"ActionStatus":"OK","ErrorCode":0.5}'],
    ['ErrorCode 0 and FAIL', 200, '{"ActionStatus":"FAIL","ErrorCode":0}'],
    ['ErrorCode 0 and no ActionStatus', 200, '{"ErrorCode":0}'],
  ])('with %s is no answer: tried three times, then UPSTREAM_UNAVAILABLE', async (_what, status, text) => {
    const { askInVain, requests } = await startClient(({ response }) => void response.writeHead(status).end(text));
    expect(await askInVain()).toMatchObject(UNAVAILABLE);
    expect(requests).toHaveLength(3);
  });

  it('above 16 MiB is cut off and not asked for again', async () => {
    const { askInVain, requests } = await startClient(({ response }) => {
      response.on('error', () => {});
      response.writeHead(200).end(Buffer.alloc(17 * 1024 * 1024, 32));
      return undefined;
    });
    expect(await askInVain()).toMatchObject(UNAVAILABLE);
    expect(requests).toHaveLength(1);
  });
});

describe('trying again', () => {
  it.each([
    [0, [50, 100]],
    [0.999, [100, 200]],
  ])('waits longer each time, by half to all of 100 and 200 ms (%f)', async (random, waits) => {
    const { askInVain, clock } = await startClient(() => fail(30006), { random: () => random });
    await askInVain();
    expect(clock.waits.map(Math.round)).toEqual(waits);
  });

  it('goes on for more than a second when the upstream is asked too often, and tells the budget', async () => {
    const { budget, told } = createLenientBudget();
    const { ask, clock } = await startClient((_request, index) => (index < 2 ? fail(60007) : ok()), {
      random: () => 0.5,
      budget,
    });
    await ask();
    expect(clock.waits).toEqual([375, 750]);
    expect(told).toEqual({ admitted: 3, again: 2, throttled: 2 });
  });
});

describe('connections', () => {
  it('that all died at once while idle cost no failure and no try', async () => {
    const size = 20;
    const waiting: SeenRequest[] = [];
    const { budget, told } = createLenientBudget();
    const { ask, clock, requests } = await startClient(
      (request) => {
        // Reused connections die without a byte of an answer, every one of them.
        if (request.turn > 0) return void request.socket.destroy();
        if (request.connection >= size) return ok({ fresh: true });
        waiting.push(request);
        if (waiting.length === size) for (const { response } of waiting.splice(0)) response.end(JSON.stringify(ok()));
        return undefined;
      },
      { connections: size, budget },
    );
    const askAll = () => Promise.all(Array.from({ length: size }, () => ask()));
    await askAll();
    const answers = await askAll();
    expect(answers.every((answer) => answer.fresh)).toBe(true);
    expect(clock.waits).toEqual([]);
    expect(requests.filter(({ turn }) => turn > 0).length).toBeGreaterThanOrEqual(size);
    expect(told).toEqual({ admitted: requests.length, again: 0, throttled: 0 });
  });

  it('that are all busy until the end of its time leave a change that certainly was not made', async () => {
    const { ask, askInVain, clock, requests, seen } = await startClient(() => undefined, { connections: 1 });
    const busy = ask().catch(() => {});
    await seen(1);
    const failure = askInVain('follow_add', { deadlineAt: clock.now() + 3000 });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(3000);
    expect(await failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT', mayHaveHappened: false });
    clock.advance(10_000);
    await busy;
    expect(requests.map(({ command }) => command)).not.toContain('follow_add');
  });

  it('that no server accepts are failures, tried three times', async () => {
    const { askInVain, upstream, upstreamCalls } = await startClient(() => ok());
    upstream.server.close();
    await once(upstream.server, 'close');
    expect(await askInVain()).toMatchObject({ ...UNAVAILABLE, reason: 'ECONNREFUSED' });
    expect(upstreamCalls).toHaveLength(3);
  });
});

describe('time', () => {
  it('in which the process stood still takes away no answer that has arrived', async () => {
    const standStill = ({ response }: SeenRequest) => {
      response.end(JSON.stringify(ok()));
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    };
    const { ask, requests } = await startClient(standStill, { clock: systemClock, timeoutMs: 100 });
    expect(await ask('follow_get', { deadlineAt: Date.now() + 10_000 })).toEqual(ok());
    expect(requests).toHaveLength(1);
  });

  it('that is over before the call costs no call', async () => {
    const { askInVain, clock, upstreamCalls } = await startClient(() => ok());
    expect(await askInVain('follow_get', { deadlineAt: clock.now() })).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(upstreamCalls).toEqual([]);
  });

  it('spent waiting for admission counts', async () => {
    const { budget, told } = createLenientBudget(() => clock.advance(10_000));
    const { askInVain, clock, upstreamCalls } = await startClient(() => ok(), { budget });
    expect(await askInVain()).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(upstreamCalls).toEqual([]);
    expect(told.admitted).toBe(1);
  });
});

describe('a refused signature', () => {
  it('too many times stops also calls that wait for admission', async () => {
    const { promise: open, resolve: openUp } = Promise.withResolvers<void>();
    const { budget, told } = createLenientBudget(() => (told.admitted > 1 ? open : undefined));
    const { askInVain, requests } = await startClient(() => fail(70050), { budget });
    const [first, ...others] = Array.from({ length: 5 }, () => askInVain());
    await first;
    openUp();
    for (const other of others) expect(await other).toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
    expect(requests).toHaveLength(1);
  });
});
