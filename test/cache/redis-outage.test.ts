// Redis fails in whatever way: no query does, none gets wrong data, none waits longer than the small time-out.
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { createRunningClock } from '../support/clock.ts';
import { openGateway, type Replica } from '../support/gateway.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import { openSlowProxy } from '../support/slow-proxy.ts';
import { createNewcomers, linesOf } from './newcomers.ts';

/** How long a query may wait for Redis; no other wait takes as long. */
const TIMEOUT_MS = 490;
const PEOPLE = 20;
/** How often a replica looks whether Redis is back. */
const LOOK_MS = 500;
/** How often is looked whether Redis is used again. */
const MAX_ROUNDS = 100;

const screen = (id: string) => `{ user(id: "${id}") { id nick fansCount fans(first: 5) { nodes { id nick } } } }`;

/** A clock that notes when a wait for Redis began that ran its whole length. */
function watchTimeouts<C extends Clock>(clock: C) {
  const waits: number[] = [];
  const alarm: Clock['alarm'] = (ms, ring) => {
    const began = clock.now();
    return clock.alarm(ms, () => {
      if (ms === TIMEOUT_MS) waits.push(began);
      ring();
    });
  };
  return { clock: { ...clock, alarm }, waits };
}

/** `timeoutMs` is longer where Redis answers whatever happens: a busy machine is not to be taken for an outage. */
async function openReplicas(timeoutMs = 5000) {
  const server = await startRedis();
  const proxy = await openSlowProxy(server.port);
  const setUp = new Redis(server.port, '127.0.0.1');
  await setUp.call('ACL', 'SETUSER', 'keeper', 'on', '>of-the-keys', '~*', '&*', '+@all');
  setUp.disconnect();
  const admin = new Redis(server.port, '127.0.0.1', { username: 'keeper', password: 'of-the-keys' });
  admin.on('error', () => {});
  onTestFinished(() => admin.disconnect());

  const { clock, waits } = watchTimeouts(createRunningClock());
  const env = {
    AUTH: 'development',
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    REDIS_TIMEOUT_MS: String(timeoutMs),
  };
  const { openReplica, ...gateway } = await openGateway({ clock, env });
  const { world } = gateway.sandbox;
  world.addFans('star', PEOPLE);
  const people = ['star', ...world.list('star', 'fans').map(({ id }) => id)];
  const truth = (id: string) => {
    const nickOf = (user: string) => (user.startsWith('crowd') ? `Crowd ${Number(user.slice(-6))}` : null);
    const fans = world.list(id, 'fans');
    const nodes = fans.slice(0, 5).map(({ id: fan }) => ({ id: fan, nick: nickOf(fan) }));
    return { user: { id, nick: nickOf(id), fansCount: fans.length, fans: { nodes } } };
  };
  const replicas = [gateway, await openReplica()] as const;

  /** Everybody's screen, some asked at once and some in turn, on both replicas; each time of newcomers too. */
  async function queryAll(): Promise<void> {
    const newest = people.length;
    world.addFans(`host${newest}`, 5);
    people.push(`host${newest}`);
    // Few at once: a budget that a busy machine keeps waiting would refuse the others.
    for (let at = 0; at < people.length; at += 5) {
      const some = people.slice(at, at + 5);
      const answers = await Promise.all(some.flatMap((id) => replicas.map((replica) => replica.query(screen(id)))));
      const expected = some.flatMap((id) => replicas.map(() => ({ data: truth(id), errors: undefined })));
      expect(answers.map(({ data, errors }) => ({ data, errors }))).toEqual(expected);
    }
  }
  const newcomers = createNewcomers({ ...gateway, openReplica });
  return { server, proxy, admin, clock, gateway, openReplica, replicas, waits, queryAll, ...newcomers };
}
type Opened = Awaited<ReturnType<typeof openReplicas>>;

/** What each replica logs once when it breaks, and once when it is mended. */
const AWAY = { goes: /Redis is away/, comes: /Redis is back/ };

type Act = (opened: Opened) => unknown;
const demote: Act = ({ admin }) => admin.replicaof('127.0.0.1', 1);
const limitMemory =
  (bytes: string): Act =>
  ({ admin }) =>
    admin.config('SET', 'maxmemory', bytes);
const allow =
  (rule: string): Act =>
  ({ admin }) =>
    admin.call('ACL', 'SETUSER', 'default', rule);

const SILENT: [how: string, breaks: Act, mends: Act][] = [
  ['is killed and restarted', ({ server }) => server.kill(), ({ server }) => server.restart()],
  ['is paused', ({ server }) => server.pause(), ({ server }) => server.resume()],
  ['is slow', ({ proxy }) => proxy.delayBy(2000), ({ proxy }) => proxy.delayBy(0)],
];
/** Redis goes on answering, if only by refusals. */
const REFUSING: typeof SILENT = [
  ['is out of memory', limitMemory('1'), limitMemory('0')],
  ['is a read-only replica', demote, ({ admin }) => admin.replicaof('NO', 'ONE')],
  ['is demoted, and its name leads to another', demote, async ({ proxy }) => proxy.leadTo((await startRedis()).port)],
  ['allows nothing', allow('-@all'), allow('+@all')],
];
const BREAKAGES = [SILENT, REFUSING].flatMap((some) => some.map((one) => [...one, some === REFUSING] as const));

test.each(BREAKAGES)(
  'while Redis %s, every query is answered rightly; it is told once, and used again when it is mended',
  async (_how, breaks, mends, answers) => {
    const opened = await openReplicas(answers ? undefined : TIMEOUT_MS);
    const { clock, replicas, queryAll, isShared, ask } = opened;
    const [first, second] = replicas;
    await queryAll();

    await breaks(opened);
    for (let round = 0; round < 5; round++) await queryAll();
    for (const replica of replicas) expect(linesOf(replica, AWAY.goes)).toBe(1);

    await mends(opened);
    // However many rounds that takes: what a slow Redis still has to answer is on its way for two seconds.
    while (replicas.some((replica) => linesOf(replica, AWAY.comes) === 0)) {
      for (const replica of replicas) await ask(replica);
      // Redis is looked for twice a second. In small steps, since an answer that is on its way has to be in time.
      clock.advance(LOOK_MS / 5);
    }
    // Used again when one replica finds what the other one has just read.
    for (let n = 0; !(await isShared(await ask(first), second)); n++) expect(n).toBeLessThan(MAX_ROUNDS);
    await queryAll();
    for (const replica of replicas) {
      for (const pattern of Object.values(AWAY)) expect(linesOf(replica, pattern)).toBe(1);
      expect(linesOf(replica, /bug of ours/)).toBe(0);
    }
  },
);

test('all connections leave a master that was demoted, so that replicas hear each other', async () => {
  const { admin, proxy, gateway, replicas, queryAll } = await openReplicas();
  const successor = await startRedis();
  gateway.sandbox.world.importAccount('guest');
  const [first, second] = replicas;
  await queryAll();
  const next = new Redis(successor.url);
  onTestFinished(() => next.disconnect());
  const lines = async (server: Redis, pattern: RegExp) => String(await server.client('LIST')).match(pattern)?.length;
  await admin.replicaof('127.0.0.1', 1);
  // A server that is demoted ends what waits, which comes back to it before the name leads elsewhere.
  while ((await lines(admin, /cmd=xread/g)) !== 2) await queryAll();
  proxy.leadTo(successor.port);
  while ((await lines(next, /sub=1/g)) !== 2 || (await lines(next, /cmd=xread/g)) !== 2) await queryAll();
  expect(await lines(admin, /^id=/gm)).toBe(1);

  const query = '{ user(id: "star") { viewerIsFollowing fansCount } }';
  const guest = second.as('guest');
  expect(await guest.data(query)).toEqual({ user: { viewerIsFollowing: false, fansCount: PEOPLE } });
  await first.as('guest').data('mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }');
  const followed = { user: { viewerIsFollowing: true, fansCount: PEOPLE + 1 } };
  for (let n = 0; !isDeepStrictEqual(await guest.data(query), followed); n++) expect(n).toBeLessThan(MAX_ROUNDS);
});

test('all connections leave a server that is silent, as after a power cut, for the one that has taken its place', async () => {
  const { server, proxy, queryAll } = await openReplicas(TIMEOUT_MS);
  const successor = await startRedis();
  await queryAll();
  server.pause();
  proxy.leadTo(successor.port);
  const next = operatorOf(successor.url);
  const lines = async (pattern: RegExp) => String(await next.client('LIST')).match(pattern)?.length;
  while ((await lines(/sub=1/g)) !== 2 || (await lines(/cmd=xread/g)) !== 2) await queryAll();
  // By the connection that the queries share, which is none of these.
  while (!(await next.keys('*')).some((key) => /\}:\d+:/.test(key))) await queryAll();
});

test('a query waits for a silent Redis once, whatever it asks for, and the next ones not at all', async () => {
  const { server, gateway, waits } = await openReplicas(TIMEOUT_MS);
  server.pause();
  expect((await gateway.query(screen('star'))).errors).toBeUndefined();
  // Two waits of which one began after the other had ended would have been waited for in turn.
  expect(waits.length).toBeGreaterThan(0);
  expect(Math.max(...waits) - Math.min(...waits)).toBeLessThan(TIMEOUT_MS);
  expect(linesOf(gateway, AWAY.goes)).toBe(1);

  const before = waits.length;
  const asked = gateway.sandbox.calls.count();
  for (const id of ['crowd_000001', 'crowd_000002', 'crowd_000003']) await gateway.query(screen(id));
  expect(gateway.sandbox.calls.count()).toBeGreaterThan(asked);
  // Only the look whether it is back waits again, and no query waits for that.
  expect(waits.length - before).toBeLessThanOrEqual(1);
});

test('while Redis is flushed again and again, every query is answered rightly', async () => {
  const { admin, replicas, queryAll } = await openReplicas();
  let isOver = false;
  const flushing = (async () => {
    while (!isOver) await admin.flushall();
  })();
  for (let round = 0; round < 5; round++) await queryAll();
  isOver = true;
  await flushing;
  for (const replica of replicas) expect(linesOf(replica, AWAY.goes)).toBe(0);
});

type Litter = (admin: Redis, key: string, text: string) => Promise<unknown>;
const headOf = (text: string) => /^\w*\|\d+\|\d*\|/.exec(text)?.[0] ?? '';
const aList: Litter = async (admin, key) => {
  await admin.del(key);
  await admin.lpush(key, 'a');
};
const bytes: Litter = (admin, key) => admin.set(key, Buffer.from([0xff, 0x00, 0xfe, 0x7c]));

/** What may lie in the place of an entry, made from its text. */
const IN_PLACE_OF_ENTRIES: Record<string, Litter> = {
  'a list': aList,
  bytes,
  'other text': (admin, key) => admin.set(key, 'Mallory was here'),
  'half of its text': (admin, key, text) => admin.set(key, text.slice(0, text.length / 2)),
  'JSON of another shape': (admin, key, text) => admin.set(key, `${headOf(text)}{"nick":5,"entries":{},"fans":"many"}`),
  'a version beyond all numbers': (admin, key, text) =>
    admin.set(key, text.replace(/^(\w*\|\d+\|)\d*/, `$1${'9'.repeat(30)}`)),
  'a great version of broken JSON': (admin, key, text) =>
    admin.set(key, `${text.replace(/^(\w*\|\d+\|)\d*\|.*$/s, `$1${'9'.repeat(15)}|`)}{"nick":`),
  'a profile’s gender of a later release': (admin, key, text) =>
    admin.set(key, text.replace(/\["(Crowd \d+)",null,null,/, '["$1",null,"LATER",')),
  'a profile’s allowType of a later release': (admin, key, text) =>
    admin.set(key, text.replace(/(\["Crowd \d+"(?:,null){8},)null/, '$1"LATER"')),
  'a page with a time too few': (admin, key, text) => admin.set(key, text.replace(/"times":\[\d+,/, '"times":[')),
  'another name, of the far future': (admin, key, text) =>
    admin.set(key, text.replace(/\|\d+/, `|${'9'.repeat(15)}`).replace('Crowd', 'Stranger')),
};
/** What may lie in the place of a generation. */
const IN_PLACE_OF_GENERATIONS: Record<string, Litter> = {
  'a list': aList,
  bytes,
  'a generation that nobody wrote': (admin, key) => admin.set(key, 'a|b {c}'),
};

test('whatever lies in the place of our keys is in nobody’s way, and goes', async () => {
  const { admin, gateway, openReplica } = await openReplicas();
  const query = '{ user(id: "star") { fansCount viewerIsFollowing fans(first: 5) { nodes { id nick gender } } } }';
  const ask = (replica: Replica) => replica.as('crowd_000001').query(query);
  const expected = await ask(gateway);
  const entryKeys = async () => (await admin.keys('follow-gateway:*')).filter((key) => /\}:\d+:/.test(key));
  // A page, counts, a relation, and the profiles of the page; Redis has them some time after the answer.
  await expect.poll(entryKeys).toHaveLength(3 + PEOPLE);
  const entries = new Map<string, string>();
  for (const key of await entryKeys()) entries.set(key, (await admin.get(key)) ?? '');
  const generationOf = (key: string) => key.replace(/\}.*$/, '}::generation');

  async function expectOutOfTheWay(what: string): Promise<void> {
    const late = await openReplica();
    expect(await ask(late), what).toEqual(expected);
    expect(linesOf(late, /Redis is away|bug of ours/), what).toBe(0);
    for (let n = 0, isGone = false; !isGone; n++) {
      expect(n, what).toBeLessThan(MAX_ROUNDS);
      const latest = await openReplica();
      gateway.sandbox.calls.reset();
      expect(await ask(latest), what).toEqual(expected);
      isGone = gateway.sandbox.calls.count() === 0;
    }
  }

  for (const [what, litter] of Object.entries(IN_PLACE_OF_ENTRIES)) {
    for (const [key, text] of entries) {
      await admin.del(generationOf(key));
      await litter(admin, key, text);
    }
    await expectOutOfTheWay(what);
  }
  for (const [what, litter] of Object.entries(IN_PLACE_OF_GENERATIONS)) {
    for (const [key, text] of entries) {
      await admin.set(key, text);
      await litter(admin, generationOf(key), text);
    }
    await expectOutOfTheWay(what);
  }
});
