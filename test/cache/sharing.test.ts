// What one replica has read, the others need not ask for.
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { openGateway, type Replica, type TestGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';

const FANS = '{ user(id: "star") { fans(first: 100) { nodes { id nick avatar } } } }';
const profilesOf = (ids: readonly string[]) => `{ users(ids: ${JSON.stringify(ids)}) { id nick avatar } }`;

const COUNTS = '{ user(id: "star") { fansCount followsCount mutualsCount } }';

describe.each(SHARED_STORAGES)('replicas on %s', (storage) => {
  const settings = useStorage(storage);

  async function openCrowd(count: number) {
    const { sdkAppId, env } = settings();
    const clock = createRunningClock();
    const gateway = await openGateway({ env, clock, sandbox: { emptyWorld: true, clock, sdkAppId } });
    gateway.sandbox.world.addFans('star', count);
    return { gateway, clock, other: await gateway.openReplica() };
  }
  const fansOf = async (replica: Replica) =>
    (await replica.data<{ user: { fans: { nodes: { id: string; nick: string }[] } } }>(FANS)).user.fans.nodes;

  /** Asks until Redis has what was written behind an answer; each time a new replica, which knows nothing by itself. */
  async function untilShared({ sandbox, openReplica }: TestGateway, query: string, expectedCode?: string) {
    sandbox.faults.set({ featureOff: true, error: { code: 60026 } });
    for (let isShared = false; !isShared; ) {
      const { errors = [] } = await (await openReplica()).query(query);
      isShared = errors.every(({ extensions }) => extensions.code === expectedCode);
    }
    sandbox.faults.reset();
    sandbox.calls.reset();
  }

  test('after one served a list of 100 and counts, another answers the list, its members’ profiles and the counts without a call', async () => {
    const { gateway, other } = await openCrowd(100);
    const [nodes, counts] = [await fansOf(gateway), await gateway.data(COUNTS)];
    expect(nodes).toHaveLength(100);
    const profiles = profilesOf(nodes.map(({ id }) => id));
    for (const query of [profiles, FANS, COUNTS]) await untilShared(gateway, query);
    expect(await other.data(profiles)).toEqual({ users: nodes });
    expect(await fansOf(other)).toEqual(nodes);
    expect(await other.data(COUNTS)).toEqual(counts);
    expect(gateway.sandbox.calls.count()).toBe(0);
  });

  test('an account that one found missing is missing for the other, as a handle too, until that expires', async () => {
    const { gateway, clock, other } = await openCrowd(1);
    const missing = { data: { user: { nick: null } }, errors: [{ extensions: { code: 'USER_NOT_FOUND' } }] };
    const query = '{ user(id: "ghost") { nick } }';
    expect(await other.data('{ user(id: "ghost") { id } }')).toEqual({ user: { id: 'ghost' } });
    expect(await gateway.query(query)).toMatchObject(missing);
    expect(gateway.sandbox.calls.count()).toBe(1);
    expect(await gateway.query('{ user(id: "ghost") { id } }')).toMatchObject({ data: { user: null } });

    await untilShared(gateway, query, 'USER_NOT_FOUND');
    expect(await other.query(query)).toMatchObject(missing);
    expect(gateway.sandbox.calls.count()).toBe(0);
    expect(await other.query('{ user(id: "ghost") { id } node(id: "ghost") { id } }')).toMatchObject({
      data: { user: null, node: null },
      errors: [{ message: 'There is no account "ghost".' }, { extensions: { code: 'USER_NOT_FOUND' } }],
    });

    gateway.sandbox.world.importAccount('ghost', { Tag_Profile_IM_Nick: 'Casper' });
    clock.advance(30_001);
    expect(await other.data(query)).toEqual({ user: { nick: 'Casper' } });
    expect(await gateway.data('{ user(id: "ghost") { id } }')).toEqual({ user: { id: 'ghost' } });
  });

  test('two apps in one Redis never see each other’s data', async () => {
    const { gateway } = await openCrowd(2);
    const { gateway: foreign } = await openCrowd(5);
    expect(await fansOf(gateway)).toHaveLength(2);
    expect(await fansOf(foreign)).toHaveLength(5);
  });
});

test('a change of many users has Redis run no more scripts than a change of one, and sends no text that Redis has', async () => {
  const { url } = await startRedis();
  const operator = new Redis(url);
  onTestFinished(() => operator.disconnect());
  const gateway = await openGateway({ env: { AUTH: 'development', REDIS_URL: url, REDIS_TIMEOUT_MS: '5000' } });
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
