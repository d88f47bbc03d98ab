// While webhooks arrive, lists, counts and relations answer by themselves for ten minutes instead of 30 s.
import { expect, test } from 'vitest';
import { openTwo, openWorld, type World } from '../graph/world.ts';
import { createHastyClock } from '../support/clock.ts';
import type { Replica } from '../support/gateway.ts';
import { operatorOf } from '../support/redis.ts';
import { PATH, TOKEN } from './webhook-gateway.ts';

const STEP_MS = 2500;
const PEOPLE = ['star', 'ana', 'dan', 'eve', 'probe'];
const SCREEN = '{ user(id: "star") { fansCount fans(first: 20) { nodes { id } } } }';
const RELATION = '{ user(id: "star") { viewerIsFollowing } }';
const OTHER_SCREEN = '{ user(id: "ana") { followsCount } }';

/** A gateway with people whose follows send webhooks, and a screen of somebody else. */
const openCalm = async (env: Record<string, string> = {}) =>
  watched(await openWorld({ hasWebhooks: true, clock: createHastyClock(), people: PEOPLE, env }));

/** The same on two replicas, to both of which a webhook has come. */
async function openTwoCalm() {
  // As long as can be: a command that is under way when the clock moves on by less has its answer all the same.
  const env = { REDIS_TIMEOUT_MS: '10000' };
  const { redis, other, gateway } = await openTwo({ hasWebhooks: true, people: PEOPLE, env });
  const opened = watched(gateway);
  const { clock, look, stir } = opened;
  const admin = operatorOf(redis.url);

  /** Lets time pass, so slowly that no command to Redis is given up for it: all replicas' have been answered before the next step. */
  async function pass(ms: number) {
    for (let left = ms; left > 0; left -= STEP_MS) {
      clock.advance(Math.min(STEP_MS, left));
      for (let turn = 0; turn < 2; turn++) {
        await gateway.query('{ __typename }');
        await admin.ping();
      }
    }
  }

  /** Has a webhook sent, and answers whether what `replica` reads then is fresh for more than 30 s. */
  async function staysFresh(replica: Replica) {
    await stir();
    const query = '{ user(id: "probe") { fansCount } }';
    await look(replica, query);
    // The first look may have been answered stale, and what it has renewed was then read some steps later.
    await pass(45_000);
    return (await look(replica, query)) === 'fresh';
  }

  /** Resolves when `replica` believes what it reads for long. */
  const untilItStaysFresh = (replica: Replica) =>
    expect.poll(() => staysFresh(replica), { timeout: 30_000 }).toBe(true);

  /**
   * Has `replica` read the other screen until Redis holds it: what is on its way to Redis would time out when the clock
   * jumps, and what is read while a replica begins to listen again is not kept.
   */
  async function untilShared(replica: Replica) {
    const entries = async () => (await admin.keys('*:counts:*:ana')).filter((key) => !key.includes('::'));
    await expect.poll(() => look(replica, OTHER_SCREEN).then(entries)).not.toEqual([]);
  }
  return { ...opened, gateway, redis, other, pass, untilItStaysFresh, untilShared };
}

function watched(gateway: World) {
  const { world, act, webhooks, calls } = gateway.sandbox;
  world.follow('ana', 'star');

  /** The last call that a screen can have asked for. */
  const lastScreenCall = () =>
    calls.recent().findLast(({ command, body }) => {
      const { From_Account: from } = body as { From_Account: string };
      const isOfScreen = command === 'follow_get' && from === 'star';
      return isOfScreen || command === 'follow_get_info' || (command === 'follow_check' && from === 'ana');
    });

  return {
    ...gateway,
    ...gateway.sandbox,
    gateway,
    /** How the screen was answered: fresh without a call, fresh with calls, or stale. */
    async look(replica: Pick<Replica, 'query'> = gateway, query = SCREEN) {
      const before = lastScreenCall();
      const { extensions, errors } = await replica.query(query);
      expect(errors).toBeUndefined();
      if (extensions?.freshness) return 'stale';
      return lastScreenCall() === before ? 'fresh' : 'asked';
    },
    /** Something happens that has nothing to do with star, and a webhook says so. */
    async stir() {
      if (!act.follow('dan', 'eve')) act.unfollow('dan', 'eve');
      await webhooks.settled();
    },
  };
}

/** What happens, how many seconds pass, and how the screen is answered; 'renewed' is fresh as soon as that is done. */
type Step = 'webhook' | 'refused webhook' | 'rename' | number | 'asked' | 'fresh' | 'stale' | 'renewed';

test.each<[title: string, query: string, ...steps: Step[]]>([
  ['while no webhook arrives, for 30 s', SCREEN, 'asked', 26, 'fresh', 5, 'stale'],
  ['while webhooks tell of other things than follows, for 30 s', SCREEN, 'rename', 'asked', 26, 'fresh', 5, 'stale'],
  ['while webhooks are refused, for 30 s', SCREEN, 'refused webhook', 'asked', 26, 'fresh', 5, 'stale'],
  ['when it was read before the first webhook, for 30 s', SCREEN, 'asked', 1, 'webhook', 15, 'fresh', 16, 'stale'],
  ['while webhooks arrive, for ten minutes', SCREEN, 'webhook', 'asked', 480, 'fresh', 'webhook', 126, 'stale'],
  ['as a relation, likewise', RELATION, 'webhook', 'asked', 480, 'fresh', 'webhook', 126, 'asked'],
  [
    'after ten minutes of silence, for 30 s again, also when a new webhook comes',
    SCREEN,
    ...(['webhook', 300, 'asked', 240, 'fresh', 60, 'stale', 'renewed'] as const),
    ...([31, 'stale', 'renewed', 20, 'webhook', 11, 'stale'] as const),
  ],
])('a value that was read is fresh %s', async (_title, query, ...steps) => {
  const { gateway, clock, act, webhooks, stir, look } = await openCalm();
  const lookAgain = () => look(gateway.as('ana'), query);
  for (const [n, step] of steps.entries()) {
    if (typeof step === 'number') clock.advance(step * 1000);
    else if (step === 'rename') act.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana' });
    else if (step.endsWith('webhook')) {
      const token = step === 'webhook' ? TOKEN : 'another token';
      webhooks.connect({ url: gateway.url + PATH, token });
      await stir();
    } else if (step === 'renewed') await expect.poll(lookAgain).toBe('fresh');
    else expect(await lookAgain(), `step ${n}`).toBe(step);
    await webhooks.settled();
  }
});

test('a value that was read right after a change is read again after 30 s, since the upstream may not have shown the change yet', async () => {
  const { clock, stir, act, webhooks, faults, look, gateway } = await openCalm();
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
  clock.advance(240_000);
  expect(await look()).toBe('fresh');
});

test('LIST_FRESH_SECONDS=0 asks every time, whatever webhooks say', async () => {
  const { stir, look } = await openCalm({ LIST_FRESH_SECONDS: '0' });
  await stir();
  expect(await look()).toBe('asked');
  expect(await look()).toBe('asked');
});

test('a webhook to one replica counts for all that share its Redis', async () => {
  const { gateway, other, look, pass, untilItStaysFresh, untilShared } = await openTwoCalm();
  await untilItStaysFresh(other);
  await untilShared(gateway);
  await pass(300_000);
  for (const replica of [other, gateway]) expect(await look(replica, OTHER_SCREEN)).toBe('fresh');
});

test('a replica that Redis cannot tell of invalidations believes its cache for 30 s', async () => {
  const { redis, clock, other, look, pass, untilItStaysFresh, untilShared } = await openTwoCalm();
  await untilItStaysFresh(other);
  await untilShared(other);
  await pass(60_000);
  expect(await look(other, OTHER_SCREEN)).toBe('fresh');
  await redis.kill();
  clock.advance(10_000);
  // The next command to Redis finds out that it is away.
  await other.query('{ user(id: "eve") { nick } }');
  expect(await look(other, OTHER_SCREEN)).toBe('stale');
});

test('a value that another replica read right after a change is not believed for long on any replica', async () => {
  const { gateway, act, webhooks, calls, look, untilItStaysFresh } = await openTwoCalm();
  await untilItStaysFresh(gateway);
  const changed = '{ user(id: "star") { fansCount } }';
  const checks = calls.count('follow_check');
  act.follow('dan', 'star');
  await webhooks.settled();
  await expect.poll(() => calls.count('follow_check')).toBeGreaterThan(checks);
  // An answer that comes later than that check's: the change is looked into when it is here.
  expect(await look(gateway, OTHER_SCREEN)).toBe('asked');
  await expect.poll(() => look(gateway, changed)).toBe('fresh');
  // It was not there when the webhook came.
  const late = await gateway.openReplica();
  await untilItStaysFresh(late);
  expect(await look(late, OTHER_SCREEN)).toBe('fresh');
  expect(await look(late, changed)).not.toBe('fresh');
});
