// Whatever the upstream does, a client gets the right public code in time, and the upstream is asked no more than fair.
import { afterAll, describe, expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { codesOf } from '../http/requests.ts';
import { canBeSetBack, createHastyClock } from '../support/clock.ts';
import { type Answer, openGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { expectErrorsAtNulls } from '../support/null-on-error.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import type { RedisProcess } from '../support/redis-process.ts';
import { NO_PROFILE_ITEM, UNKNOWN_FIELDS } from '../support/sandbox.ts';

const FANS = '{ user(id: "anna") { id fans { nodes { id } } } }';
const WHOLE = { data: { user: { id: 'anna', fans: { nodes: [{ id: 'crowd_000002' }, { id: 'crowd_000001' }] } } } };
/** Takes a field out of the top of an answer. */
const without = (field: string) => ({ pattern: `"${field}":[^,]*,`, with: '' });

/** All that left any gateway of this file: answers and log lines. */
const said: string[] = [];

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function openFaulty(faults: FaultPatch, options: TestGatewayOptions = {}) {
  const clock = canBeSetBack(createHastyClock());
  const gateway = await openGateway({ clock, ...options });
  gateway.sandbox.world.addFans('anna', 2);
  gateway.sandbox.faults.set(faults);
  /** Asks, and lets time pass in the long waits until the answer is there. */
  const ask = async (query = FANS): Promise<Answer> => {
    const started = clock.now();
    let text = '';
    gateway.send(query).then(async (response) => {
      text = await response.text();
    });
    await until(() => {
      // Long waits are timeouts: they pass when the upstream has the call and keeps silent.
      if (gateway.sandbox.faults.isArmed('silence') && gateway.sandbox.calls.count() > 0) clock.advance(100);
      return text !== '';
    });
    said.push(text, ...gateway.logLines);
    expect(clock.now() - started).toBeLessThanOrEqual(10_500);
    const answer = JSON.parse(text) as Answer;
    expectErrorsAtNulls(query, answer);
    return answer;
  };
  return { gateway, clock, ask };
}

test('70050 stops all calls for a minute and is told each time, although the machine’s clock is set back', async () => {
  const { gateway, clock, ask } = await openFaulty({ error: { code: 70050, commands: ['follow_get'], times: 2 } });
  const seen = () => ({
    calls: gateway.sandbox.calls.count(),
    told: gateway.logLines.filter((line) => line.includes('"errorCode":70050')).length,
  });
  await ask();
  const codes = codesOf(await ask('{ user(id: "anna") { nick fansCount } }'));
  expect(codes).toEqual(['UPSTREAM_MISCONFIGURED', 'UPSTREAM_MISCONFIGURED']);
  expect(seen()).toEqual({ calls: 1, told: 1 });
  clock.setBack(3_600_000);
  clock.advance(60_001);
  await ask();
  expect(seen()).toEqual({ calls: 2, told: 2 });
  clock.advance(60_001);
  expect(await ask()).toEqual(WHOLE);
});

describe('a fault that passes is not seen', () => {
  test.each<[string, FaultPatch, number]>([
    ['a burst of 60007', { error: { code: 60007, times: 2 } }, 3],
    ['30006 on the first call', { error: { code: 30006, times: 1 } }, 2],
    ['an expired UserSig', { error: { code: 70001, times: 1 } }, 2],
    ['a connection reset', { reset: { times: 1 } }, 2],
    ['a 502 with an HTML page', { httpError: { times: 1 } }, 2],
    ['a 200 that is no JSON', { httpError: { times: 1, status: 200, body: '<html>' } }, 2],
    ['an answer without ErrorCode', { rewrite: { ...without('ErrorCode'), times: 1 } }, 2],
    ['an answer without ErrorInfo', { rewrite: without('ErrorInfo') }, 1],
    ['unknown extra fields', { rewrite: UNKNOWN_FIELDS }, 1],
    ['a slow answer', { latency: { ms: 30 } }, 1],
    ['a missing ProfileItem', { rewrite: NO_PROFILE_ITEM }, 1],
  ])('%s', async (_fault, faults, calls) => {
    const { gateway, ask } = await openFaulty(faults);
    expect(await ask()).toEqual(WHOLE);
    expect(gateway.sandbox.calls.count('follow_get')).toBe(calls);
  });
});

describe('a fault that stays', () => {
  test.each<[string, FaultPatch, string, number]>([
    ['connection resets', { reset: true }, 'UPSTREAM_UNAVAILABLE', 3],
    ['502 with an HTML page', { httpError: true }, 'UPSTREAM_UNAVAILABLE', 3],
    ['answers without ErrorCode', { rewrite: without('ErrorCode') }, 'UPSTREAM_UNAVAILABLE', 3],
    ['silence', { silence: true }, 'UPSTREAM_TIMEOUT', 2],
    ['60007', { error: { code: 60007 } }, 'THROTTLED', 3],
  ])('%s', async (_fault, faults, code, calls) => {
    const { gateway, ask } = await openFaulty(faults);
    const { data, errors } = await ask();
    expect(data).toEqual({ user: { id: 'anna', fans: null } });
    expect(errors).toMatchObject([{ path: ['user', 'fans'], extensions: { code } }]);
    expect(gateway.sandbox.calls.count('follow_get')).toBe(calls);
  });

  test('slow calls of a command hold no other call of it', async () => {
    const { gateway, clock } = await openFaulty({ silence: { commands: ['follow_get'], times: 2 } });
    const slow = ['anna', 'crowd_000001'].map((id) => gateway.send(`{ user(id: "${id}") { fans { nodes { id } } } }`));
    await until(() => gateway.sandbox.calls.count('follow_get') === 2);
    const quick = await gateway.query('{ user(id: "crowd_000002") { fans { nodes { id } } } }');
    expect(quick).toEqual({ data: { user: { fans: { nodes: [] } } } });
    clock.advance(5000);
    for (const response of slow) expect((await (await response).json()).errors).toBeUndefined();
  });

  test('opens the breaker of its command alone, and a probe closes it when the fault is gone', async () => {
    const { gateway, clock, ask } = await openFaulty({ httpError: { commands: ['follow_get'] } });
    for (let n = 0; n < 10; n++) await ask();
    const calls = gateway.sandbox.calls.count('follow_get');
    // A machine's steady time has fractions.
    clock.advance(0.5);
    expect((await ask()).errors?.[0]?.extensions).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      upstream: { retryable: true, retryAfterMs: expect.toSatisfy(Number.isInteger) },
    });
    expect(gateway.sandbox.calls.count('follow_get')).toBe(calls);
    expect((await ask('{ user(id: "anna") { fansCount } }')).data).toEqual({ user: { fansCount: 2 } });

    gateway.sandbox.faults.reset();
    clock.setBack(3_600_000);
    clock.advance(60_000);
    expect(await ask()).toEqual(WHOLE);
  });
});

const NO_HURRY = { REQUEST_DEADLINE_MS: '120000', UPSTREAM_TIMEOUT_MS: '60000' };
const LOSSES: Record<string, (redis: RedisProcess) => Promise<unknown>> = {
  'was restarted empty': (redis) => redis.restart(),
  'was flushed': async ({ url }) => {
    await operatorOf(url).flushall();
  },
  'has gone': (redis) => redis.kill(),
};

test.each(Object.keys(LOSSES))(
  'while the upstream is silent and Redis %s, what was known is served at once: pages, counts, profiles and relations',
  async (loss) => {
    const redis = await startRedis();
    const gateway = await openGateway({
      // Neither time ends before the test does: a stale value is not served for want of time.
      env: { ...NO_HURRY, AUTH: 'development', REDIS_URL: redis.url },
    });
    gateway.sandbox.world.addFans('anna', 2);
    const query = '{ user(id: "anna") { nick fans { totalCount nodes { id } } viewerIsFollowing } }';
    const fans = { totalCount: 2, ...WHOLE.data.user.fans };
    const known = { user: { nick: null, fans, viewerIsFollowing: true } };
    const ask = (n: number) => gateway.as('crowd_000001').query(`${query} # ${n}`);
    expect((await ask(0)).data).toEqual(known);
    await LOSSES[loss]?.(redis);
    gateway.sandbox.faults.set({ silence: true });
    for (let n = 1; n <= 20; n++) {
      const { data, errors } = await ask(n);
      expect({ data, errors }).toEqual({ data: known });
    }
  },
  20_000,
);

test('a client that goes away takes its upstream call with it', async () => {
  const { gateway } = await openFaulty({ silence: true }, { clock: undefined });
  const impatient = new AbortController();
  const url = `${gateway.url}/graphql?${new URLSearchParams({ query: FANS })}`;
  const request = fetch(url, { signal: impatient.signal }).catch((error: Error) => error.name);
  await until(() => gateway.sandbox.calls.count() > 0);
  impatient.abort();
  expect(await request).toBe('AbortError');
  // Silence ends in the sandbox's log when the caller hangs up, long before any timeout of ours.
  await until(() => gateway.logLines.some((line) => line.includes('"aborted":true')));
});

afterAll(() => {
  const everything = said.join('\n');
  expect(everything.length).toBeGreaterThan(10_000);
  expect(everything).not.toContain(SANDBOX_APP.secretKey);
  expect(everything).not.toMatch(/usersig=/i);
  // A UserSig, or any other long token.
  expect(everything).not.toMatch(/[A-Za-z0-9*_-]{120,}/);
});
