// While webhooks arrive, lists, counts and relations answer by themselves for ten minutes instead of 30 s.
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { createHastyClock, createRunningClock, type TestClock } from '../support/clock.ts';
import type { Replica } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWithWebhooks } from './webhook-gateway.ts';

const MINUTE_MS = 60_000;
/** As long as can be: a command that is under way when the clock moves on by less has its answer all the same. */
const REDIS_TIMEOUT_MS = '10000';
const STEP_MS = 2500;
const SCREEN = '{ user(id: "star") { fansCount fans(first: 20) { nodes { id } } } }';

function openRedis(url: string): Redis {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  // A test may kill it.
  redis.on('error', () => {});
  return redis;
}

/** A gateway with people whose follows send webhooks, and a screen of somebody else. */
async function openCalm(clock: TestClock, env: Record<string, string> = {}) {
  const gateway = await openWithWebhooks({ clock, env: { AUTH: 'development', ...env } });
  const { world, act, webhooks, calls } = gateway.sandbox;
  for (const id of ['star', 'ana', 'dan', 'eve', 'probe']) world.importAccount(id);
  world.follow('ana', 'star');
  const redis = env.REDIS_URL ? openRedis(env.REDIS_URL) : null;
  /** How the screen was answered: fresh without a call, fresh with calls, or stale. */
  async function look(replica: Pick<Replica, 'query'> = gateway, query = SCREEN) {
    const before = lastScreenCall();
    const { extensions, errors } = await replica.query(query);
    expect(errors).toBeUndefined();
    return extensions?.freshness ? 'stale' : lastScreenCall() !== before ? 'asked' : 'fresh';
  }

  /** Something happens that has nothing to do with star, and a webhook says so. */
  async function stir() {
    if (!act.follow('dan', 'eve')) act.unfollow('dan', 'eve');
    await webhooks.settled();
  }

  return {
    gateway,
    ...gateway.sandbox,
    look,
    stir,
    /** Has a webhook sent, and answers whether what `replica` reads then is fresh for more than 30 s. */
    async staysFresh(replica: Replica) {
      await stir();
      const query = '{ user(id: "probe") { fansCount } }';
      await look(replica, query);
      // The first look may have been answered stale, and what it has renewed was then read some steps later.
      await pass(45_000);
      return (await look(replica, query)) === 'fresh';
    },
    pass,
  };

  /** Lets time pass, so slowly that no command to Redis is given up for it: all replicas' have been answered before the next step. */
  async function pass(ms: number) {
    for (let left = ms; left > 0; left -= STEP_MS) {
      clock.advance(Math.min(STEP_MS, left));
      for (let turn = 0; turn < 2; turn++) {
        await gateway.query('{ __typename }');
        await redis?.ping();
      }
    }
  }

  /** The last call that a screen can have asked for. */
  function lastScreenCall() {
    return calls
      .recent()
      .findLast(
        ({ command, body }) =>
          command === 'follow_get_info' ||
          (command === 'follow_get' && (body as { From_Account: string }).From_Account === 'star'),
      );
  }
}

test('a value that was read while webhooks arrive is fresh for about ten minutes, and no longer', async () => {
  const clock = createHastyClock();
  const { stir, look } = await openCalm(clock);
  await stir();
  expect(await look()).toBe('asked');
  clock.advance(8 * MINUTE_MS);
  expect(await look()).toBe('fresh');
  await stir();
  clock.advance(2.1 * MINUTE_MS);
  expect(await look()).toBe('stale');
});

test('a relation is fresh as long', async () => {
  const clock = createHastyClock();
  const { stir, gateway, calls } = await openCalm(clock);
  const relation = '{ user(id: "star") { viewerIsFollowing } }';
  await stir();
  await gateway.as('ana').data(relation);
  const checks = calls.count('follow_check');
  clock.advance(8 * MINUTE_MS);
  const { data, extensions } = await gateway.as('ana').query(relation);
  expect(data).toEqual({ user: { viewerIsFollowing: true } });
  expect(extensions?.freshness).toBeUndefined();
  expect(calls.count('follow_check')).toBe(checks);
});

test('where no webhook arrives, a value that was read is fresh for 30 s', async () => {
  const clock = createHastyClock();
  const { look } = await openCalm(clock);
  expect(await look()).toBe('asked');
  clock.advance(26_000);
  expect(await look()).toBe('fresh');
  clock.advance(5000);
  expect(await look()).toBe('stale');
});

test('a value that was read before the first webhook is fresh for 30 s', async () => {
  const clock = createHastyClock();
  const { stir, look } = await openCalm(clock);
  expect(await look()).toBe('asked');
  clock.advance(1000);
  await stir();
  // The hasty clock has gone ahead by what the webhook waited for.
  clock.advance(15_000);
  expect(await look()).toBe('fresh');
  clock.advance(16_000);
  expect(await look()).toBe('stale');
});

test('after ten minutes of silence everything is fresh for 30 s again, and a new webhook does not change that', async () => {
  const clock = createHastyClock();
  const { stir, look } = await openCalm(clock);
  await stir();
  clock.advance(5 * MINUTE_MS);
  expect(await look()).toBe('asked');
  clock.advance(4 * MINUTE_MS);
  expect(await look()).toBe('fresh');
  clock.advance(MINUTE_MS);
  expect(await look()).toBe('stale');
  await expect.poll(() => look()).toBe('fresh');
  clock.advance(31_000);
  expect(await look()).toBe('stale');
  await expect.poll(() => look()).toBe('fresh');
  clock.advance(20_000);
  await stir();
  clock.advance(11_000);
  expect(await look()).toBe('stale');
});

test('webhooks of other things than follows do not count', async () => {
  const clock = createHastyClock();
  const { act, webhooks, look } = await openCalm(clock);
  act.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana' });
  await webhooks.settled();
  expect(webhooks.deliveries()).toMatchObject([{ outcome: 'answered' }]);
  expect(await look()).toBe('asked');
  clock.advance(31_000);
  expect(await look()).toBe('stale');
});

test('refused webhooks do not count', async () => {
  const clock = createHastyClock();
  const { stir, faults, look } = await openCalm(clock);
  faults.set({ webhookBadSign: true });
  await stir();
  expect(await look()).toBe('asked');
  clock.advance(31_000);
  expect(await look()).toBe('stale');
});

test('a value that was read right after a change is read again after 30 s, since the upstream may not have shown the change yet', async () => {
  const clock = createHastyClock();
  const { stir, act, webhooks, faults, look, gateway } = await openCalm(clock);
  await stir();
  faults.set({ countsLag: { ms: 10_000 } });
  act.follow('dan', 'star');
  await webhooks.settled();
  expect(await look()).toBe('asked');
  expect(await gateway.data(SCREEN)).toMatchObject({ user: { fansCount: 1 } });
  clock.advance(31_000);
  expect(await look()).toBe('asked');
  expect(await gateway.data(SCREEN)).toMatchObject({ user: { fansCount: 2 } });
  // Invalidating begins that time again; what is read after it, and not only validated, is believed for long.
  clock.advance(121_000);
  await look();
  await expect.poll(() => look()).toBe('fresh');
  // Well within ten minutes without a webhook: this clock goes on with every short wait too.
  clock.advance(4 * MINUTE_MS);
  expect(await look()).toBe('fresh');
});

test('LIST_FRESH_SECONDS=0 asks every time, whatever webhooks say', async () => {
  const clock = createHastyClock();
  const { stir, look } = await openCalm(clock, { LIST_FRESH_SECONDS: '0' });
  await stir();
  expect(await look()).toBe('asked');
  expect(await look()).toBe('asked');
});

/**
 * Reads until Redis holds the counts of a user: what is on its way to Redis would time out when the clock jumps, and what
 * is read while a replica begins to listen again is not kept.
 */
async function untilShared(url: string, userId: string, read: () => Promise<unknown>) {
  const redis = openRedis(url);
  const entries = async () => (await redis.keys(`*:counts:*:${userId}`)).filter((key) => !key.includes('::'));
  await expect.poll(() => read().then(entries)).not.toEqual([]);
}

test('a webhook to one replica counts for all that share its Redis', async () => {
  const { url } = await startRedis();
  const clock = createRunningClock();
  const { gateway, look, staysFresh, pass } = await openCalm(clock, { REDIS_URL: url, REDIS_TIMEOUT_MS });
  const other = await gateway.openReplica();
  await expect.poll(() => staysFresh(other), { timeout: 30_000 }).toBe(true);
  await untilShared(url, 'ana', () => look(gateway, '{ user(id: "ana") { followsCount } }'));
  await pass(5 * MINUTE_MS);
  expect(await look(other, '{ user(id: "ana") { followsCount } }')).toBe('fresh');
  expect(await look(gateway, '{ user(id: "ana") { followsCount } }')).toBe('fresh');
});

test('a replica that Redis cannot tell of invalidations believes its cache for 30 s', async () => {
  const redis = await startRedis();
  const clock = createRunningClock();
  const { gateway, look, staysFresh, pass } = await openCalm(clock, { REDIS_URL: redis.url, REDIS_TIMEOUT_MS });
  const other = await gateway.openReplica();
  await expect.poll(() => staysFresh(other), { timeout: 30_000 }).toBe(true);
  const query = '{ user(id: "ana") { followsCount } }';
  await untilShared(redis.url, 'ana', () => look(other, query));
  await pass(MINUTE_MS);
  expect(await look(other, query)).toBe('fresh');
  await redis.kill();
  clock.advance(10_000);
  // The next command to Redis finds out that it is away.
  await other.query('{ user(id: "eve") { nick } }');
  expect(await look(other, query)).toBe('stale');
});

test('a value that another replica read right after a change is not believed for long on any replica', async () => {
  const { url } = await startRedis();
  const clock = createRunningClock();
  const { gateway, act, webhooks, calls, look, staysFresh } = await openCalm(clock, {
    REDIS_URL: url,
    REDIS_TIMEOUT_MS,
  });
  await expect.poll(() => staysFresh(gateway), { timeout: 30_000 }).toBe(true);
  const [touched, untouched] = ['{ user(id: "star") { fansCount } }', '{ user(id: "ana") { followsCount } }'];
  const checks = calls.count('follow_check');
  act.follow('dan', 'star');
  await webhooks.settled();
  await expect.poll(() => calls.count('follow_check')).toBeGreaterThan(checks);
  // An answer that comes later than that check's: the change is looked into when it is here.
  expect(await look(gateway, untouched)).toBe('asked');
  await expect.poll(() => look(gateway, touched)).toBe('fresh');
  // It was not there when the webhook came.
  const other = await gateway.openReplica();
  await expect.poll(() => staysFresh(other), { timeout: 30_000 }).toBe(true);
  expect(await look(other, untouched)).toBe('fresh');
  expect(await look(other, touched)).not.toBe('fresh');
});
