// A master of a Redis Cluster dies: the keys it held are asked for again, the others serve on, and nothing fails.
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { invalidationChannel } from '../../src/follow/invalidation.ts';
import { keyPrefixOf } from '../../src/redis/client.ts';
import { checkRedis } from '../../src/redis/connect.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { makeCertificates } from '../support/certificates.ts';
import { createRunningClock } from '../support/clock.ts';
import { openGateway, type Replica } from '../support/gateway.ts';
import { startRedisCluster } from '../support/redis.ts';

const PEOPLE = 60;
const nickOf = (id: string) => `{ user(id: "${id}") { nick } }`;
const linesOf = ({ logLines }: Replica, pattern: RegExp) => logLines.filter((line) => pattern.test(line)).length;

async function openOn(env: { REDIS_URL: string; REDIS_CA?: string }) {
  const clock = createRunningClock();
  // A busy machine is not to be taken for an outage.
  const gateway = await openGateway({
    clock,
    env: { ...env, REDIS_TIMEOUT_MS: '1500' },
    sandbox: { emptyWorld: true, clock },
  });
  let born = 0;

  /** A question about people who are new, so that no replica knows the answer yet. */
  function someNewcomers(count: number) {
    return Array.from({ length: count }, () => {
      const id = `new${born++}`;
      gateway.sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: `Newcomer ${id}` });
      return { id, answer: { data: { user: { nick: `Newcomer ${id}` } } } };
    });
  }
  type Newcomer = ReturnType<typeof someNewcomers>[number];
  const askAll = async (replica: Replica, people: readonly Newcomer[]) => {
    for (let at = 0; at < people.length; at += 6) {
      const some = people.slice(at, at + 6);
      const answers = await Promise.all(some.map(({ id }) => replica.query(nickOf(id))));
      expect(answers).toEqual(some.map(({ answer }) => answer));
    }
  };
  /** For how many of them a replica that starts empty needs no call. */
  async function countShared(people: readonly Newcomer[]): Promise<number> {
    const late = await gateway.openReplica();
    // A replica that begins does not trust what it reads before it listens to the others.
    do {
      gateway.sandbox.calls.reset();
      await late.query(nickOf(people[0]?.id ?? ''));
    } while (gateway.sandbox.calls.count() > 0);
    let shared = 0;
    for (const person of people) {
      gateway.sandbox.calls.reset();
      await askAll(late, [person]);
      if (gateway.sandbox.calls.count() === 0) shared++;
    }
    return shared;
  }
  return { gateway, someNewcomers, askAll, countShared };
}

test.each(['killed', 'paused'])(
  'with one master %s, every query goes on, on the other masters’ memory too',
  async (how) => {
    const cluster = await startRedisCluster();
    const { gateway, someNewcomers, askAll, countShared } = await openOn({ REDIS_URL: cluster.url });
    await askAll(gateway, someNewcomers(PEOPLE));
    expect(linesOf(gateway, /Redis is away/)).toBe(0);

    if (how === 'killed') await cluster.killMaster(0);
    else cluster.nodes[0]?.pause();
    for (let round = 0; round < 4; round++) await askAll(gateway, someNewcomers(PEOPLE));
    const during = someNewcomers(PEOPLE);
    await askAll(gateway, during);
    // About two thirds of the keys live on the masters that are left.
    expect(await countShared(during)).toBeGreaterThan(PEOPLE / 3);
    expect(linesOf(gateway, /Redis is away/)).toBe(1);

    if (how === 'killed') await cluster.nodes[0]?.restart();
    else cluster.nodes[0]?.resume();
    while (linesOf(gateway, /Redis is back/) === 0) await askAll(gateway, someNewcomers(6));
    const after = someNewcomers(PEOPLE);
    await askAll(gateway, after);
    // A value that is read while a replica begins to listen again, one round of six, is not kept.
    expect(await countShared(after)).toBeGreaterThan(PEOPLE - 8);
    expect(linesOf(gateway, /Redis is away/)).toBe(1);
    expect(linesOf(gateway, /Redis is back/)).toBe(1);
  },
);

test('a cluster is found behind one address, by TLS with a certificate of the host’s name, and a password', async () => {
  const { caPath, args } = makeCertificates('localhost');
  const { nodes, tlsPort } = await startRedisCluster({ args });
  const operators = nodes.map(({ url }) => new Redis(url));
  for (const operator of operators) {
    onTestFinished(() => operator.disconnect());
    await operator.config('SET', 'requirepass', 'open sesame');
  }
  const env = { REDIS_URL: `rediss://:open%20sesame@localhost:${tlsPort}`, REDIS_CA: caPath };
  const { gateway, someNewcomers, askAll, countShared } = await openOn(env);
  const people = someNewcomers(PEOPLE);
  await askAll(gateway, people);
  expect(await countShared(people)).toBeGreaterThan(PEOPLE - 3);
  for (const operator of operators) expect(await operator.dbsize()).toBeGreaterThan(0);
  // Both replicas hear of changes and of what is invalid.
  const clients = async () => (await Promise.all(operators.map((operator) => operator.client('LIST')))).join('');
  await expect.poll(async () => (await clients()).match(/cmd=xread/g)?.length).toBe(2);
  const channel = invalidationChannel(keyPrefixOf(SANDBOX_APP.sdkAppId));
  const heard = async () => Promise.all(operators.map((operator) => operator.pubsub('NUMSUB', channel)));
  await expect.poll(async () => (await heard()).reduce((sum, [, count]) => sum + Number(count), 0)).toBe(2);
  expect(linesOf(gateway, /Redis is away/)).toBe(0);
  expect(await checkRedis({ nodes: [new URL(env.REDIS_URL)], caPath })).toMatch(/^cluster of 3 masters, Redis 7/);
});
