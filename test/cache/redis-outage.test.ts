// Redis fails in whatever way: no query does, none gets wrong data, none waits longer than the small time-out.
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { createRunningClock } from '../support/clock.ts';
import { openHouse, type Replica } from '../support/house.ts';
import { startRedis } from '../support/redis.ts';
import { openSlowProxy, type SlowProxy } from '../support/slow-proxy.ts';

const TIMEOUT_MS = 150;
const PEOPLE = 60;

const screen = (id: string) =>
  `{ user(id: "${id}") { id nick fansCount followsCount fans(first: 5) { nodes { id nick } } } }`;

/** A clock that notes when a Redis time-out has run its whole length. */
function watchTimeouts<C extends Clock>(clock: C) {
  const moments = new Set<number>();
  const sleep: Clock['sleep'] = async (ms, signal) => {
    await clock.sleep(ms, signal);
    if (ms === TIMEOUT_MS) moments.add(Math.floor(performance.now() / TIMEOUT_MS));
  };
  return { clock: { ...clock, sleep }, moments };
}

async function openReplicas() {
  const server = await startRedis();
  const proxy = await openSlowProxy(server.port);
  const admin = new Redis(server.port, '127.0.0.1', { username: 'keeper', password: 'of-the-keys', lazyConnect: true });
  admin.on('error', () => {});
  onTestFinished(() => admin.disconnect());
  const setUp = new Redis(server.port, '127.0.0.1');
  await setUp.call('ACL', 'SETUSER', 'keeper', 'on', '>of-the-keys', '~*', '&*', '+@all');
  setUp.disconnect();
  await admin.connect();

  const { clock, moments } = watchTimeouts(createRunningClock());
  const house = await openHouse({
    clock,
    env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}`, REDIS_TIMEOUT_MS: String(TIMEOUT_MS) },
    sandbox: { emptyWorld: true, clock },
  });
  house.sandbox.world.addFans('star', PEOPLE);
  const people = ['star', ...house.sandbox.world.list('star', 'fans').map(({ id }) => id)];
  const truth = (id: string) => {
    const list = (user: string) => house.sandbox.world.list(user, 'fans');
    const nickOf = (user: string) => (user === 'star' ? null : `Crowd ${Number(user.slice(-6))}`);
    const fans = list(id).slice(0, 5);
    return {
      user: {
        id,
        nick: nickOf(id),
        fansCount: list(id).length,
        followsCount: house.sandbox.world.list(id, 'follows').length,
        fans: { nodes: fans.map(({ id: fan }) => ({ id: fan, nick: nickOf(fan) })) },
      },
    };
  };
  const replicas = [house, await house.openReplica()];

  /** Everybody's screen, some asked at once and some in turn, on both replicas. */
  async function queryAll(): Promise<void> {
    for (let at = 0; at < people.length; at += 10) {
      const some = people.slice(at, at + 10);
      const answers = await Promise.all(some.flatMap((id) => replicas.map((replica) => replica.query(screen(id)))));
      const expected = some.flatMap((id) => replicas.map(() => ({ data: truth(id) })));
      expect(answers.map(({ data, errors }) => ({ data, ...(errors && { errors }) }))).toEqual(expected);
    }
  }
  return { server, proxy, admin, house, replicas, clock, moments, people, queryAll };
}
type Opened = Awaited<ReturnType<typeof openReplicas>>;

const linesOf = ({ logLines }: Replica, pattern: RegExp) => logLines.filter((line) => pattern.test(line)).length;

type Breakage = {
  breaks(opened: Opened): unknown;
  mends(opened: Opened): unknown;
  /** What each replica logs once when it breaks. */
  logs: RegExp;
};
const AWAY = /Redis is away/;
const REFUSES = /Redis refuses/;
const slowly = ({ proxy }: { proxy: SlowProxy }, ms: number) => {
  proxy.delayMs = ms;
};

const BREAKAGES: Record<string, Breakage> = {
  'is killed and restarted': {
    breaks: ({ server }) => server.kill(),
    mends: ({ server }) => server.restart(),
    logs: AWAY,
  },
  'is paused': { breaks: ({ server }) => server.pause(), mends: ({ server }) => server.resume(), logs: AWAY },
  'is slow': { breaks: (opened) => slowly(opened, 2000), mends: (opened) => slowly(opened, 0), logs: AWAY },
  'is out of memory': {
    breaks: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    mends: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
    logs: REFUSES,
  },
  'is a read-only replica': {
    breaks: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    mends: ({ admin }) => admin.replicaof('NO', 'ONE'),
    logs: REFUSES,
  },
  'allows nothing': {
    breaks: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '-@all'),
    mends: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '+@all'),
    logs: REFUSES,
  },
};

describe.each(Object.entries(BREAKAGES))('while Redis %s', (_how, { breaks, mends, logs }) => {
  test('every query is answered rightly; it is told once, and used again when it is mended', async () => {
    const opened = await openReplicas();
    const { house, replicas, clock, queryAll } = opened;
    await queryAll();

    await breaks(opened);
    for (let round = 0; round < 3; round++) {
      // Out of fresh time, so that Redis is asked and written to.
      clock.advance(round * 31_000);
      await queryAll();
    }
    for (const replica of replicas) expect([replica.logLines, linesOf(replica, logs)]).toEqual([expect.anything(), 1]);

    await mends(opened);
    // Back when one replica finds what another one read.
    for (let n = 0, isShared = false; !isShared; n++) {
      const id = `late${n}`;
      house.sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: 'Late' });
      const query = `{ user(id: "${id}") { nick } }`;
      for (const replica of replicas) expect(await replica.query(query)).toEqual({ data: { user: { nick: 'Late' } } });
      house.sandbox.calls.reset();
      expect(await (await house.openReplica()).query(query)).toEqual({ data: { user: { nick: 'Late' } } });
      isShared = house.sandbox.calls.count() === 0;
    }
    await queryAll();
    for (const replica of replicas) {
      if (logs === AWAY) while (linesOf(replica, /Redis is back/) === 0) await replica.query(screen('star'));
      expect(linesOf(replica, AWAY)).toBe(logs === AWAY ? 1 : 0);
      expect(linesOf(replica, /Redis is back/)).toBe(logs === AWAY ? 1 : 0);
      expect(linesOf(replica, /bug of ours/)).toBe(0);
    }
  });
});
