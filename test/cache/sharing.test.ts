// What one replica has found out, the others need not ask for, and other apps do not see.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';

describe.each(SHARED_STORAGES)('replicas on %s', (storage) => {
  const settings = useStorage(storage);

  async function open() {
    const { sdkAppId, env } = settings();
    const clock = createRunningClock();
    return { clock, ...(await openGateway({ env, clock, sandbox: { sdkAppId } })) };
  }

  test('an account that one found missing is missing for the other, until that expires', async () => {
    const { clock, sandbox, openReplica, ...gateway } = await open();
    const other = await openReplica();
    const missing = { data: { user: { nick: null } }, errors: [{ extensions: { code: 'USER_NOT_FOUND' } }] };
    const query = '{ user(id: "ghost") { nick } }';
    expect(await gateway.query(query)).toMatchObject(missing);
    expect(sandbox.calls.count()).toBe(1);

    // Redis has it some time after the answer; each replica that asks knows nothing by itself.
    sandbox.faults.set({ error: { code: 60026 } });
    while ((await (await openReplica()).query(query)).errors?.[0]?.extensions.code !== 'USER_NOT_FOUND');
    sandbox.faults.reset();
    sandbox.calls.reset();
    expect(await other.query(query)).toMatchObject(missing);
    expect(sandbox.calls.count()).toBe(0);

    sandbox.world.importAccount('ghost', { Tag_Profile_IM_Nick: 'Casper' });
    clock.advance(30_001);
    expect(await other.data(query)).toEqual({ user: { nick: 'Casper' } });
  });

  test('two apps in one Redis never see each other’s data', async () => {
    for (const fansCount of [2, 5]) {
      const gateway = await open();
      gateway.sandbox.world.addFans('star', fansCount);
      expect(await gateway.data('{ user(id: "star") { fansCount } }')).toEqual({ user: { fansCount } });
    }
  });
});

test('a change of many users has Redis run no more scripts than a change of one, and sends no text that Redis has', async () => {
  const { url } = await startRedis();
  const operator = operatorOf(url);
  const env = { AUTH: 'development', REDIS_URL: url, REDIS_TIMEOUT_MS: '5000' };
  const gateway = await openGateway({ env, sandbox: { people: 5000 } });
  async function scriptsOf(count: number, viewer: string) {
    const ids = Array.from({ length: count }, (_, n) => `user_${String(n + 1).padStart(5, '0')}`);
    await operator.config('RESETSTAT');
    const follow = 'mutation ($ids: [ID!]!) { followUsers(input: { userIds: $ids }) { results { __typename } } }';
    await gateway.as(viewer).data(follow, { ids });
    return (await operator.info('commandstats')).match(/eval(sha)?:calls=\d+/g);
  }
  await scriptsOf(1, 'user_00030');
  // The budget’s: one for the look before the change, one for the change.
  for (const [count, viewer] of [
    [1, 'user_00031'],
    [20, 'user_00032'],
  ] as const)
    expect(await scriptsOf(count, viewer)).toEqual(['evalsha:calls=2']);
});
