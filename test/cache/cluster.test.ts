// A master of a Redis Cluster dies: the keys it held are asked for again, the others serve on, and nothing fails.
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { invalidationChannel } from '../../src/follow/invalidation.ts';
import { keyPrefixOf } from '../../src/redis/client.ts';
import { checkRedis } from '../../src/redis/connect.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { makeCertificates } from '../support/certificates.ts';
import { createRunningClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { operatorOf, startRedisCluster } from '../support/redis.ts';
import { createNewcomers, linesOf } from './newcomers.ts';

const PEOPLE = 36;

async function openOn(env: { REDIS_URL: string; REDIS_CA?: string }) {
  const clock = createRunningClock();
  // A busy machine is not to be taken for an outage.
  const gateway = await openGateway({
    clock,
    env: { ...env, AUTH: 'development', REDIS_TIMEOUT_MS: '1500' },
  });
  const { make, expectShown, isShared } = createNewcomers(gateway);
  return {
    gateway,
    /** Has it show some newcomers, one of whom follows another, and answers whom. */
    async askAbout(count: number): Promise<string[]> {
      const ids = Array.from({ length: count }, make);
      for (let at = 0; at < count; at += 6)
        await Promise.all(ids.slice(at, at + 6).map((id) => expectShown(gateway, id)));
      const follow = `mutation { followUsers(input: { userIds: ["${ids[1]}"] }) { results { __typename } } }`;
      const results = [{ __typename: 'FollowChanged' }];
      expect(await gateway.as(ids[0] ?? '').data(follow)).toEqual({ followUsers: { results } });
      return ids;
    },
    /** For how many of them a replica that starts empty needs no call. */
    async countShared(ids: readonly string[]): Promise<number> {
      const late = await gateway.openReplica();
      // A replica that begins does not trust what it reads before it listens to the others.
      while (!(await isShared(ids[0] ?? '', late)));
      let shared = 0;
      for (const id of ids) if (await isShared(id, late)) shared++;
      return shared;
    },
  };
}

// The first has the channel of invalidations, the second the change stream, the third neither.
test.each([
  ['killed', 0],
  ['paused', 1],
  ['paused', 2],
])(
  'with one master %s, number %i, queries and mutations go on, on the other masters’ memory too',
  async (how, master) => {
    const cluster = await startRedisCluster();
    const { gateway, askAbout, countShared } = await openOn({ REDIS_URL: cluster.url });
    await askAbout(PEOPLE);
    expect(linesOf(gateway, /Redis is away/)).toBe(0);

    if (how === 'killed') await cluster.nodes[master]?.kill();
    else cluster.nodes[master]?.pause();
    for (let round = 0; round < 2; round++) await askAbout(PEOPLE);
    // About two thirds of the keys live on the masters that are left.
    expect(await countShared(await askAbout(PEOPLE))).toBeGreaterThan(PEOPLE / 3);
    expect(linesOf(gateway, /Redis is away/)).toBe(1);

    if (how === 'killed') await cluster.nodes[master]?.restart();
    else cluster.nodes[master]?.resume();
    while (linesOf(gateway, /Redis is back/) === 0) await askAbout(6);
    // A value that is read while a replica begins to listen again, one round of six, is not kept.
    expect(await countShared(await askAbout(PEOPLE))).toBeGreaterThan(PEOPLE - 8);
    expect(linesOf(gateway, /Redis is away/)).toBe(1);
    expect(linesOf(gateway, /Redis is back/)).toBe(1);
  },
);

test('with slots that no node has, queries and mutations go on, and their keys are used once a node has them', async () => {
  const { nodes, url } = await startRedisCluster();
  const operators = nodes.map(({ url }) => operatorOf(url));
  const lost = [10_923, 16_383] as const;
  // A node that still hears that the slots are another one's takes them back.
  const forget = (operator: Redis) => operator.call('CLUSTER', 'DELSLOTSRANGE', ...lost).catch(() => {});
  const isForgotten = async (operator: Redis) => !/-16383\b/.test(String(await operator.call('CLUSTER', 'NODES')));
  while ((await Promise.all(operators.map(isForgotten))).includes(false)) await Promise.all(operators.map(forget));

  const { gateway, askAbout, countShared } = await openOn({ REDIS_URL: url });
  expect(await countShared(await askAbout(PEOPLE))).toBeGreaterThan(PEOPLE / 3);
  await operators[2]?.call('CLUSTER', 'ADDSLOTSRANGE', ...lost);
  while (linesOf(gateway, /Redis is back/) === 0) await askAbout(6);
  expect(await countShared(await askAbout(PEOPLE))).toBeGreaterThan(PEOPLE - 8);
  expect(linesOf(gateway, /Redis is away/)).toBe(1);
});

test('a cluster is found behind one address, by TLS with a certificate of the host’s name, and a password', async () => {
  const { caPath, args } = makeCertificates('localhost');
  const { nodes, tlsPort } = await startRedisCluster({ args });
  const operators = nodes.map(({ url }) => operatorOf(url));
  for (const operator of operators) await operator.config('SET', 'requirepass', 'open sesame');
  const env = { REDIS_URL: `rediss://:open%20sesame@localhost:${tlsPort}`, REDIS_CA: caPath };
  const { gateway, askAbout, countShared } = await openOn(env);
  expect(await countShared(await askAbout(PEOPLE))).toBeGreaterThan(PEOPLE - 3);
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
