// Redis as it is sold: behind Sentinels, with users of few rights, and as Valkey.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { invalidationChannel } from '../../src/follow/invalidation.ts';
import { purge } from '../../src/purge.ts';
import { keyPrefixOf } from '../../src/redis/client.ts';
import { checkRedis } from '../../src/redis/connect.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { openGateway, type Replica } from '../support/gateway.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import { freePort, isOnPath } from '../support/redis-process.ts';
import { startSentinel } from '../support/sentinel.ts';
import { createNewcomers, linesOf } from './newcomers.ts';

/** A busy machine is not to be taken for an outage. */
const REDIS_TIMEOUT_MS = '5000';

test('while Sentinels put a replica in the place of a primary that died, no query fails, and the replica is used', async () => {
  const args = ['--requirepass', 'opensesame', '--masterauth', 'opensesame'];
  const primary = await startRedis({ args });
  const replica = await startRedis({ args: [...args, '--replicaof', '127.0.0.1', String(primary.port)] });
  const sentinel = await startSentinel([
    `sentinel monitor cache 127.0.0.1 ${primary.port} 1`,
    'sentinel auth-pass cache opensesame',
    'sentinel down-after-milliseconds cache 500',
    'sentinel failover-timeout cache 2000',
  ]);
  const watcher = operatorOf(`redis://${sentinel}`);
  const heir = operatorOf(replica.url, { password: 'opensesame' });
  const isReady = async () =>
    /slaves=1/.test(await watcher.info('sentinel')) && /link_status:up/.test(await heir.info());
  await expect.poll(isReady).toBe(true);

  const REDIS_URL = `redis+sentinel://:opensesame@127.0.0.1:${await freePort()},${sentinel}/cache`;
  const gateway = await openGateway({ env: { REDIS_URL, REDIS_TIMEOUT_MS } });
  const second = await gateway.openReplica();
  const { ask, isShared } = createNewcomers(gateway);
  for (const one of [gateway, second]) await ask(one);
  await expect.poll(() => heir.dbsize()).toBeGreaterThan(0);
  await primary.kill();

  const channel = invalidationChannel(keyPrefixOf(SANDBOX_APP.sdkAppId));
  const isFollowed = async () => String(await heir.client('LIST')).match(/cmd=xread/g)?.length === 2;
  const isHeard = async () => (await heir.pubsub('NUMSUB', channel))[1] === 2;
  const isBack = (replica: Replica) => linesOf(replica, /Redis is back/) > 0;
  while (![gateway, second].every(isBack) || !(await isHeard()) || !(await isFollowed()))
    await Promise.all([gateway, second, gateway, second].map(ask));
  for (const replica of [gateway, second]) expect(linesOf(replica, /Redis is (away|back)/)).toBe(2);
  expect(await isShared(await ask(gateway))).toBe(true);
  expect(await checkRedis({ nodes: [new URL(REDIS_URL.replace(/127.0.0.1:\d+,/, ''))] })).toMatch(/^primary that Sent/);
});

test('a user with the rights that deploy/README.md lists may do all that replicas and purge do', async () => {
  const { port, url } = await startRedis();
  const operator = operatorOf(url);
  const [, rule = ''] = /^ +ACL SETUSER (gateway .+)$/m.exec(readFileSync('deploy/README.md', 'utf8')) ?? [];
  await operator.call('ACL', 'SETUSER', ...rule.split(' '));
  const REDIS_URL = `redis://gateway:password@127.0.0.1:${port}`;
  const env = { AUTH: 'development', RATE_LIMIT_PER_MINUTE: '1000', REDIS_URL, REDIS_TIMEOUT_MS };
  const gateway = await openGateway({ env });
  const second = await gateway.openReplica();
  gateway.sandbox.world.addFans('star', 3);
  const query = '{ user(id: "star") { nick fans { totalCount nodes { nick viewerIsFollowing } } viewerIsFollowing } }';
  for (const { as } of [gateway, second]) await as('crowd_000001').data(query);
  await gateway
    .as('crowd_000001')
    .data('mutation { followUsers(input: { userIds: ["crowd_000002"] }) { viewer { id } } }');
  const { sdkAppId, secretKey } = SANDBOX_APP;
  const app = { TENCENT_SDK_APP_ID: String(sdkAppId), TENCENT_SECRET_KEY: secretKey, TENCENT_REGION: 'singapore' };
  expect(await purge({ ...app, REDIS_URL }, ['star'])).toMatch(/^Purged/);
  expect(await purge({ ...app, REDIS_URL }, 'everything')).toMatch(/[1-9]\d* keys were removed/);
  await checkRedis({ nodes: [new URL(REDIS_URL)] });
  expect(await operator.call('ACL', 'LOG')).toEqual([]);
  await expect(operatorOf(REDIS_URL).get('session:1')).rejects.toThrow('NOPERM');
  await expect(operatorOf(REDIS_URL).publish('others', '')).rejects.toThrow('NOPERM');
  expect(linesOf(gateway, /Redis is away/)).toBe(0);
});

test('names in Redis tell the format of entries alone: replicas of two releases share the rest', async () => {
  const { url } = await startRedis();
  const env = { AUTH: 'development', RATE_LIMIT_PER_MINUTE: '1000', REDIS_URL: url, REDIS_TIMEOUT_MS };
  const gateway = await openGateway({ env });
  gateway.sandbox.world.addFans('star', 3);
  const follow = 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { fansCount } } }';
  await gateway.as('crowd_000001').data(follow);
  const operator = operatorOf(url);
  const prefix = `follow-gateway:${SANDBOX_APP.sdkAppId}`;
  const names = (await operator.keys('*')).filter((name) => !/\}:4:/.test(name));
  const shared = [
    'budget:{follow_add}:replicas',
    'changes',
    'counts:{star}::generation',
    'page:{star:fans}::generation',
    'rate:by crowd_000001',
  ];
  expect(names).toEqual(expect.arrayContaining(shared.map((name) => `${prefix}:${name}`)));
  expect(await operator.pubsub('CHANNELS')).toEqual([`${prefix}:invalidation`]);
});

test.each<[string, Record<string, string>]>([
  ['TRUSTED_DOCUMENTS_PATH', { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: '/nowhere' }],
  ['FEDERATION_USER_TYPE', { FEDERATION_USER_TYPE: 'Query' }],
])('a gateway that is refused for its %s leaves no connection behind', async (name, env) => {
  const { url } = await startRedis();
  const operator = operatorOf(url);
  await expect(openGateway({ env: { ...env, REDIS_URL: url } })).rejects.toMatchObject({
    problems: [expect.stringContaining(name)],
  });
  await expect.poll(async () => String(await operator.client('LIST')).match(/^id=/gm)).toHaveLength(1);
});

test('a percent sign in a password may stand for itself', async () => {
  const { port } = await startRedis({ args: ['--requirepass', '50%off:é'] });
  for (const password of ['50%off:é', encodeURIComponent('50%off:é')])
    expect(await checkRedis({ nodes: [new URL(`redis://:${password}@127.0.0.1:${port}`)] })).toMatch(/^standalone/);
});

test.skipIf(!isOnPath('valkey-server'))('Valkey, where it is installed, is used as Redis is', async () => {
  const { url } = await startRedis({ program: 'valkey-server' });
  expect(await checkRedis({ nodes: [new URL(url)] })).toMatch(/^standalone, Valkey \d/);
  const gateway = await openGateway({ env: { REDIS_URL: url, REDIS_TIMEOUT_MS } });
  const { ask, isShared } = createNewcomers(gateway);
  expect(await isShared(await ask(gateway))).toBe(true);
});
