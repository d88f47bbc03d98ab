// The upstream is down, in whatever way: cached values answer, and say how old they are.
import { describe, expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { createRunningClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';
import { STORAGES, type StorageSettings, useStorage } from '../support/storage.ts';

const QUERIES: readonly [Command, string][] = [
  ['follow_get', '{ user(id: "star") { fans(first: 20) { edges { cursor node { id nick } } } } }'],
  ['follow_get_info', '{ user(id: "star") { fansCount followsCount mutualsCount } }'],
  ['portrait_get', '{ user(id: "star") { nick avatar } }'],
];
const OUTAGES: readonly [string, FaultPatch, string][] = [
  ['connection resets', { reset: true }, 'UPSTREAM_UNAVAILABLE'],
  ['502', { httpError: true }, 'UPSTREAM_UNAVAILABLE'],
  ['30006', { error: { code: 30006 } }, 'UPSTREAM_UNAVAILABLE'],
  ['60007', { error: { code: 60007 } }, 'THROTTLED'],
  ['silence', { silence: true }, 'UPSTREAM_TIMEOUT'],
];
const LIFETIMES = { PROFILE_FRESH_SECONDS: '30', LIST_FRESH_SECONDS: '30', LIST_STALE_SECONDS: '600' };
/** The longest of all: that of profiles. */
const STALE_MS = 86_400_000;

async function openStar({ sdkAppId, env }: StorageSettings, more = {}) {
  const clock = createRunningClock();
  const gateway = await openGateway({ env: { ...env, ...LIFETIMES, ...more }, clock, sandbox: { sdkAppId } });
  const { faults, world, calls } = gateway.sandbox;
  world.addFans('star', 50);
  const warm = new Map<string, Answer['data']>();
  for (const [, query] of QUERIES) warm.set(query, await gateway.data(query));

  /** Asks, and lets the time pass that timeouts and pauses take. */
  async function ask(query: string): Promise<Answer> {
    let answer: Answer | undefined;
    void gateway.query(query).then((arrived) => {
      answer = arrived;
    });
    while (!answer) {
      await new Promise((resolve) => setImmediate(resolve));
      if (faults.isArmed('silence') || faults.isArmed('error')) clock.advance(50);
    }
    return answer;
  }

  /** Asks, `stepMs` apart, until the answer says so. */
  async function askUntil(query: string, isSo: (answer: Answer) => boolean, stepMs: number): Promise<Answer> {
    for (;;) {
      clock.advance(stepMs);
      const answer = await ask(query);
      if (isSo(answer)) return answer;
    }
  }
  return { clock, warm, ask, askUntil, faults, world, calls };
}

describe.each(STORAGES)('on %s', (storage) => {
  const settings = useStorage(storage);

  // Whether one Redis or a cluster has the entries, outages differ in nothing.
  const outages = storage === 'Redis Cluster' ? OUTAGES.slice(0, 2) : OUTAGES;

  describe.each(outages)('while the upstream is down with %s', (_outage, fault, code) => {
    test('every query in the stale window is answered, honestly; past it, with the outage’s code', async () => {
      const { clock, warm, ask, askUntil, faults } = await openStar(settings());
      faults.set(fault);
      clock.advance(60_000);
      for (const [, query] of QUERIES) {
        let reason: string | undefined;
        // Silence also makes the budget hold calls back, which is as good a reason.
        for (let age = 60; !(reason === code || (reason === 'THROTTLED' && code === 'UPSTREAM_TIMEOUT')); age++) {
          expect(age).toBeLessThan(550);
          const { data, errors, extensions } = await ask(query);
          expect(errors).toBeUndefined();
          expect(data).toEqual(warm.get(query));
          reason = extensions?.freshness?.reason;
          expect(['REVALIDATING', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'THROTTLED']).toContain(reason);
          expect(extensions?.freshness?.oldestAgeSeconds).toBeGreaterThanOrEqual(60);
          clock.advance(1000);
        }
      }
      clock.advance(STALE_MS);
      for (const [, query] of QUERIES) {
        const { errors, extensions } = await ask(query);
        expect(errors?.length).toBeGreaterThan(0);
        for (const error of errors ?? [])
          expect([code, 'UPSTREAM_UNAVAILABLE', 'THROTTLED']).toContain(error.extensions.code);
        expect(extensions?.freshness).toBeUndefined();
      }

      faults.reset();
      for (const [, query] of QUERIES)
        expect(await askUntil(query, ({ errors }) => !errors, 1000)).toEqual({ data: warm.get(query) });
    });
  });

  test('an error is never cached: the next query asks again', async () => {
    const { ask, faults, world } = await openStar(settings());
    world.importAccount('sole', { Tag_Profile_IM_Nick: 'Sole' });
    faults.set({ itemFailure: { ids: ['sole'], code: 40006 } });
    const query = '{ user(id: "sole") { nick } }';
    const { errors } = await ask(query);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }]);
    faults.reset();
    expect(await ask(query)).toEqual({ data: { user: { nick: 'Sole' } } });
  });

  test('with fresh times of 0 the upstream is asked every time, and the cache stands in for it', async () => {
    const always = { PROFILE_FRESH_SECONDS: '0', LIST_FRESH_SECONDS: '0' };
    const { warm, ask, faults, calls, world } = await openStar(settings(), always);
    for (const [command, query] of QUERIES) {
      const before = calls.count(command);
      for (let n = 1; n <= 3; n++) {
        expect(await ask(query)).toEqual({ data: warm.get(query) });
        expect(calls.count(command)).toBe(before + n);
      }
    }
    const newcomer = '{ user(id: "newcomer") { nick fansCount } }';
    expect((await ask(newcomer)).data).toEqual({ user: { nick: null, fansCount: null } });
    world.importAccount('newcomer', { Tag_Profile_IM_Nick: 'New' });
    expect(await ask(newcomer)).toEqual({ data: { user: { nick: 'New', fansCount: 0 } } });
    faults.set({ error: { code: 30006 } });
    for (const [, query] of QUERIES) {
      const { data, errors, extensions } = await ask(query);
      expect(errors).toBeUndefined();
      expect(data).toEqual(warm.get(query));
      expect(extensions?.freshness).toMatchObject({
        oldestAgeSeconds: expect.any(Number),
        reason: 'UPSTREAM_UNAVAILABLE',
      });
    }
  });
});

const noStorage = useStorage('memory alone');

test('an open breaker lets one probe a second through, and closes when the upstream is back', async () => {
  const { clock, ask, askUntil, faults, calls } = await openStar(noStorage());
  faults.set({ httpError: true });
  clock.advance(60_000);
  // The first read, five failed calls of three tries each, and a probe: then each command's breaker is open.
  while (QUERIES.some(([command]) => calls.count(command) < 1 + 5 * 3 + 1)) {
    for (const [, query] of QUERIES) await ask(query);
    clock.advance(250);
  }
  const since = clock.now();
  for (let n = 0; n < 80; n++) {
    for (const [, query] of QUERIES) await ask(query);
    clock.advance(250);
  }
  for (const [command] of QUERIES) {
    const times = calls.times(command).filter((time) => time > since);
    const inSecondFrom = (from: number) => times.filter((time) => time >= from && time < from + 1000).length;
    expect(Math.max(...times.map(inSecondFrom))).toBe(1);
  }

  faults.reset();
  for (const [, query] of QUERIES) await askUntil(query, ({ extensions }) => !extensions?.freshness, 250);
});
