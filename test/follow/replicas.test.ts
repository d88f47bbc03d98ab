// Replicas invalidate together, also when Redis was not there to pass it on.
import { expect, test } from 'vitest';
import type { RedisLink } from '../../src/cache/redis-link.ts';
import { GatewayError } from '../../src/errors.ts';
import type { CallOptions } from '../../src/follow/services.ts';
import { createRunningClock } from '../support/clock.ts';
import { linkTo, operatorOf, startRedis } from '../support/redis.ts';
import { callAt, createService, type Source } from './service.ts';

const HOUR_MS = 3_600_000;
const LIFETIMES = { freshMs: HOUR_MS, webhookFreshMs: HOUR_MS, staleMs: 2 * HOUR_MS };
const CHANGED = { type: 'user-changed', userId: 'anna' } as const;

/** Replicas over one Redis, and an upstream that counts anna's fans. */
async function openReplicas(timeoutMs = 5000) {
  const server = await startRedis();
  const clock = createRunningClock();
  const upstream = { fans: 0, calls: 0, isDown: false, silence: Promise.resolve() };
  const source: Source = {
    async readCounts(ids) {
      upstream.calls++;
      await upstream.silence;
      if (upstream.isDown) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'It is down.');
      return new Map(ids.map((id) => [id, { fans: upstream.fans, follows: 0, mutuals: 0 }]));
    },
  };

  async function openReplica(change: (link: RedisLink) => Partial<RedisLink> = () => ({})) {
    const { link } = await linkTo(server.url, clock, timeoutMs);
    let listenings = 0;
    const subscribe: RedisLink['subscribe'] = (channel, heard, missed) =>
      link.subscribe(channel, heard, () => {
        missed();
        listenings++;
      });
    const redisLink = { link: { ...link, subscribe, ...change(link) }, prefix: 'replicas-test' };
    const service = createService(source, { clock, lifetimes: LIFETIMES, redis: redisLink });
    await until(() => listenings > 0);
    const uses: unknown[] = [];
    const deadlineAt = clock.now() + HOUR_MS * 10;
    const call: CallOptions = { ...callAt(clock), deadlineAt, onStale: (use) => uses.push(use) };
    const fans = async () => (await service.readCounts('anna', call)).fans;
    return { service, uses, fans, listenings: () => listenings };
  }
  const admin = operatorOf(server.url);
  return { server, admin, clock, upstream, openReplica };
}

type Opened = Awaited<ReturnType<typeof openReplicas>>;

/** Waits, a turn of the event loop at a time. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

test('a replica that may have missed a message asks again before it answers', async () => {
  const { admin, upstream, openReplica } = await openReplicas();
  const a = await openReplica(() => ({ publish: async () => true }));
  const b = await openReplica();
  expect(await b.fans()).toBe(0);
  upstream.fans = 1;
  await a.service.invalidate([CHANGED]);
  expect(await b.fans()).toBe(0);
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await until(() => b.listenings() === 2);
  expect(await b.fans()).toBe(1);
});

test('an invalidation ends when the other replicas have been told', async () => {
  const { openReplica } = await openReplicas();
  let isTold = false;
  const a = await openReplica((link) => ({
    publish: async (...message) => {
      isTold = await link.publish(...message);
      return isTold;
    },
  }));
  await a.service.invalidate([CHANGED]);
  expect(isTold).toBe(true);
});

test.each(['that an event had changed', 'that no event had changed'])(
  'a cached value, %s, for which a Redis that lost everything cannot vouch counts as stale, and is served at once while the upstream is silent or down',
  async (what) => {
    const { server, clock, upstream, openReplica } = await openReplicas();
    const b = await openReplica();
    if (what === 'that an event had changed') await b.service.invalidate([CHANGED]);
    expect(await b.fans()).toBe(0);
    await server.restart();
    await until(() => b.listenings() === 2);
    upstream.isDown = true;
    const silence = Promise.withResolvers<void>();
    upstream.silence = silence.promise;
    for (let uses = 1; uses <= 3; uses++) {
      expect(await b.fans()).toBe(0);
      expect(b.uses).toEqual(Array(uses).fill({ ageMs: expect.any(Number), failure: null }));
    }
    silence.resolve();
    upstream.isDown = false;
    upstream.fans = 1;
    await until(async () => {
      clock.advance(1000);
      return (await b.fans()) === 1;
    });
  },
);

const OUTAGES: [how: string, breaks: (opened: Opened) => unknown, mends: (opened: Opened) => unknown][] = [
  ['killed', ({ server }) => server.kill(), ({ server }) => server.restart()],
  ['paused', ({ server }) => server.pause(), ({ server }) => server.resume()],
  ['read-only', ({ admin }) => admin.replicaof('127.0.0.1', 1), ({ admin }) => admin.replicaof('NO', 'ONE')],
  ['full', ({ admin }) => admin.config('SET', 'maxmemory', '1'), ({ admin }) => admin.config('SET', 'maxmemory', '0')],
];

test.each(OUTAGES)(
  'an invalidation that Redis did not take, because it was %s, is made up for when it is back',
  async (how, breaks, mends) => {
    const opened = await openReplicas(how === 'paused' ? 250 : undefined);
    const { upstream, openReplica } = opened;
    const [a, b] = [await openReplica(), await openReplica()];
    expect([await a.fans(), await b.fans()]).toEqual([0, 0]);
    await breaks(opened);
    upstream.fans = 1;
    await a.service.invalidate([CHANGED]);
    expect(await a.fans()).toBe(1);
    await mends(opened);
    await until(async () => (await b.fans()) === 1);
    expect(await (await openReplica()).fans()).toBe(1);
    expect(await a.fans()).toBe(1);
  },
);

test('thousands of changes that Redis missed are told to it a part at a time, so that it still answers in time', async () => {
  const { server, upstream, openReplica } = await openReplicas();
  let [asked, most] = [0, 0];
  const a = await openReplica((link) => ({
    async ask(...command) {
      most = Math.max(most, ++asked);
      return link.ask(...command).finally(() => asked--) as never;
    },
  }));
  const b = await openReplica();
  for (const replica of [a, b]) expect(await replica.fans()).toBe(0);
  await server.kill();
  upstream.fans = 1;
  const others = Array.from({ length: 2000 }, (_, n) => ({ type: 'user-changed', userId: `user_${n}` }) as const);
  const told = a.service.invalidate([...others, CHANGED]);
  // The replica itself waits for none of it.
  expect(await a.fans()).toBe(1);
  await told;
  await server.restart();
  await until(async () => (await b.fans()) === 1);
  expect(most).toBeLessThan(1500);
});
