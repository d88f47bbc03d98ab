// Purging: after it, no gateway answers from what it had cached, and no other user's data is touched.
import { Cluster } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { Environment } from '../src/config.ts';
import { purge } from '../src/purge.ts';
import { SANDBOX_APP } from '../src/sandbox/sandbox.ts';
import { run } from './process/start-process.ts';
import { openGateway, type TestGateway } from './support/gateway.ts';
import { operatorOf, startRedis, startRedisCluster } from './support/redis.ts';

const APP = {
  TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
  TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
  TENCENT_REGION: 'singapore',
};
const NICK = '{ user(id: "anna") { nick } }';
const FANS = '{ user(id: "anna") { fans { nodes { id } } } }';
const COUNT = '{ user(id: "anna") { fansCount } }';

/** Two gateways on one Redis, each before an upstream of its own, so that each one's calls can be counted. */
async function openPair(redisUrl: string): Promise<[TestGateway, TestGateway]> {
  const env = { REDIS_URL: redisUrl, REDIS_TIMEOUT_MS: '5000' };
  const open = async () => {
    const gateway = await openGateway({ env });
    gateway.sandbox.world.addFans('anna', 2);
    gateway.sandbox.world.addFans('bert', 2);
    return gateway;
  };
  return [await open(), await open()];
}

const calls = ({ sandbox }: TestGateway) => sandbox.calls.count();

/** Asks again until the gateway has heard that it must not answer from memory; then it has asked its upstream. */
async function asksUpstreamAgain(gateway: TestGateway, query: string): Promise<void> {
  const before = calls(gateway);
  while (calls(gateway) === before) await gateway.data(query);
  expect(calls(gateway)).toBe(before + 1);
}

test('after a purge of a user, both gateways ask the upstream again', async () => {
  const { url } = await startRedis();
  const [a, b] = await openPair(url);
  // Each asks for what the other does not, so that neither finds the other's answer.
  await a.data(NICK);
  await b.data(COUNT);
  await b.data(FANS);
  await a.data('{ user(id: "bert") { nick } }');
  const before = [calls(a), calls(b)];
  await a.data(NICK);
  await b.data(COUNT);
  expect([calls(a), calls(b)]).toEqual(before);

  const purged = await run(['purge', 'anna'], { ...APP, REDIS_URL: url });
  expect(purged).toMatchObject({ code: 0, stdout: 'Purged: anna.\n', stderr: '' });

  await asksUpstreamAgain(a, NICK);
  await asksUpstreamAgain(b, COUNT);
  await asksUpstreamAgain(b, FANS);
  const settled = calls(a);
  await a.data('{ user(id: "bert") { nick } }');
  expect(calls(a)).toBe(settled);
});

test('after a purge of everything, thousands of keys, both gateways ask again, and keys of others are still there', async () => {
  const { url } = await startRedis();
  const redis = operatorOf(url);
  const strangers = { 'follow-gateway:42:profile:{anna}:4:anna': 'of another app', mine: 'of somebody else' };
  const budget = `follow-gateway:${SANDBOX_APP.sdkAppId}:budget:follow_get`;
  await redis.mset({ ...strangers, [budget]: 'used' });
  const ids = Array.from({ length: 5000 }, (_, n) => `user_${n}`);
  // Entries of another release go too.
  await redis.mset(ids.flatMap((id) => [`follow-gateway:${SANDBOX_APP.sdkAppId}:profile:{${id}}:1:${id}`, '-']));
  const [a, b] = await openPair(url);
  await a.data(NICK);
  await b.data(FANS);
  await b.data('{ user(id: "bert") { fansCount } }');

  const said = await purge({ ...APP, REDIS_URL: url }, 'everything');
  expect(said).toMatch(/^Everything is purged: 50\d\d keys were removed from Redis\.\n$/);
  // What a connection is tried out with lasts for a moment.
  const left = async () => (await redis.keys('*')).filter((key) => !/:budget:.*(?<!follow_get)$/.test(key)).sort();
  await expect.poll(left).toEqual([budget, ...Object.keys(strangers)].sort());

  await asksUpstreamAgain(a, NICK);
  await asksUpstreamAgain(b, FANS);
  await asksUpstreamAgain(b, '{ user(id: "bert") { fansCount } }');
});

test('a purge of everything reaches every node of a cluster', async () => {
  const { url } = await startRedisCluster();
  const [a, b] = await openPair(url);
  const people = Array.from({ length: 30 }, (_, n) => `crowd_${n}`);
  for (const id of people) a.sandbox.world.importAccount(id);
  await a.data('query ($people: [ID!]!) { users(ids: $people) { nick } }', { people });
  await b.data(COUNT);
  await b.data(NICK);

  const said = await purge({ ...APP, REDIS_URL: url }, 'everything');
  expect(Number(/: (\d+) keys/.exec(said)?.[1])).toBeGreaterThanOrEqual(30);
  const nodes = url.split(',').map((node) => new URL(node));
  const cluster = new Cluster(nodes.map(({ hostname: host, port }) => ({ host, port: Number(port) })));
  onTestFinished(() => cluster.disconnect());
  await cluster.ping();
  const left = await Promise.all(cluster.nodes('master').map((node) => node.keys('follow-gateway:*')));
  expect(left.flat().filter((key) => !key.includes(':budget:'))).toEqual([]);

  await asksUpstreamAgain(b, COUNT);
  await purge({ ...APP, REDIS_URL: url }, ['anna']);
  await asksUpstreamAgain(b, NICK);
});

const CLOSED = 'redis://:opensesame@127.0.0.1:1';
const REDIS = { REDIS_URL: CLOSED };
test.each<[string, Environment, string[], RegExp]>([
  ['without Redis', {}, ['anna'], /REDIS_URL is missing: .*its own memory.*Restart the gateways/],
  ['of ids that cannot be', REDIS, ['anna', 'two words', '@TIM#SYS'], /"two words", "@TIM#SYS" cannot be a/],
  ['with a dead Redis', REDIS, ['anna'], /^(?!.*opensesame).*REDIS_URL leads to a host where nothing listens/s],
])('a purge %s ends in words before anything is purged', async (_title, env, ids, words) => {
  await expect(purge({ ...APP, ...env }, ids)).rejects.toThrow(words);
});

test('a Redis that refuses makes the purge fail in words', async () => {
  const { url } = await startRedis();
  await operatorOf(url).config('SET', 'min-replicas-to-write', '1');
  const stderr = expect.stringMatching(/^Redis did not purge: .*NOREPLICAS(?![\s\S]*\n +at )/);
  expect(await run(['purge', 'anna'], { ...APP, REDIS_URL: url })).toMatchObject({ code: 1, stdout: '', stderr });
});
