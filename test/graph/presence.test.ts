// Presence: for whom to see, how old at most, and at what price.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWithWebhooks, tell } from '../webhook/webhook-gateway.ts';
import { openWorld } from './two-users.ts';

const PRESENCE = 'presence { status platforms }';
const presenceOf = async (replica: Pick<Replica, 'data'>, id: string) =>
  (
    await replica.data<{ user: { presence: object | null } }>(`query ($id: ID!) { user(id: $id) { ${PRESENCE} } }`, {
      id,
    })
  ).user.presence;
const OFFLINE = { status: 'OFFLINE', platforms: [] };
const online = (...platforms: string[]) => ({ status: 'ONLINE', platforms });
const asked = (gateway: TestGateway) => callCounts(gateway).query_online_status ?? 0;
const PUBLIC = { PRESENCE_VISIBILITY: 'public' };

/** Ways to bert. */
const WAYS: Record<string, { query: string; path: (string | number)[] }> = {
  user: { query: `{ user(id: "bert") { ${PRESENCE} } }`, path: ['user'] },
  users: { query: `{ users(ids: ["bert"]) { ${PRESENCE} } }`, path: ['users', 0] },
  node: { query: `{ node(id: "bert") { ... on User { ${PRESENCE} } } }`, path: ['node'] },
  edge: {
    query: `{ user(id: "anna") { fans { edges { node { ${PRESENCE} } } } } }`,
    path: ['user', 'fans', 'edges', 0, 'node'],
  },
  mutual: {
    query: `{ user(id: "anna") { mutuals { nodes { ${PRESENCE} } } } }`,
    path: ['user', 'mutuals', 'nodes', 0],
  },
  entity: {
    query: `{ _entities(representations: [{ __typename: "User", id: "bert" }]) { ... on User { ${PRESENCE} } } }`,
    path: ['_entities', 0],
  },
};
/** Who sees bert online: anna is a mutual, cleo a fan, dora a stranger. */
const MAY = {
  public: ['anonymous', 'anna', 'bert', 'cleo', 'dora'],
  authenticated: ['anna', 'bert', 'cleo', 'dora'],
  mutuals: ['anna', 'bert'],
  self: ['bert'],
};

test.each(Object.entries(MAY))('presence for %s is shown to them alone, by every way', async (setting, allowed) => {
  const env: Record<string, string> = setting === 'mutuals' ? {} : { PRESENCE_VISIBILITY: setting };
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: { AUTH: 'development', ...env } });
  const { world, act } = gateway.sandbox;
  for (const id of ['anna', 'bert', 'cleo', 'dora']) world.importAccount(id);
  for (const [from, to] of ['anna bert', 'bert anna', 'cleo bert'].map((pair) => pair.split(' ')))
    world.follow(from as string, to as string);
  act.connect('bert', 'Web');
  for (const who of MAY.public) {
    const replica = who === 'anonymous' ? gateway : gateway.as(who);
    const isAllowed = allowed.includes(who);
    for (const [way, { query, path }] of Object.entries(WAYS)) {
      const data = await replica.data<unknown>(query);
      const user = path.reduce((value, key) => (value as Record<string, unknown>)[key], data);
      expect([way, who, user]).toEqual([way, who, { presence: isAllowed ? online('Web') : null }]);
    }
    const headers: Record<string, string> = who === 'anonymous' ? {} : { 'x-viewer-id': who };
    const events = await subscribe(
      gateway,
      `subscription { presenceChanged(userIds: ["bert", "${who === 'anonymous' ? 'anna' : who}"]) { user { id ${PRESENCE} } } }`,
      {},
      headers,
    );
    if (who === 'anonymous' && !isAllowed) {
      expect((await events.next())?.data).toContain('FORBIDDEN');
      continue;
    }
    act.connect('bert', 'PC');
    // A viewer always hears of themselves, so the event that comes first tells whether the other came at all.
    await gateway.sandbox.webhooks.settled();
    if (isAllowed) expect((await events.next())?.data).toContain('"bert"');
    else {
      await new Promise((resolve) => setImmediate(resolve));
      act.connect(who, 'iPad');
      expect((await events.next())?.data).toContain(`"${who}"`);
    }
    events.leave();
    act.connect('bert', 'PC', 'logout');
    await gateway.sandbox.webhooks.settled();
    await expect.poll(() => presenceOf(gateway.as('bert'), 'bert')).toEqual(online('Web'));
  }
});

test('an answer is fresh for ten seconds, and after a minute nothing older is shown', async () => {
  const clock = createRunningClock();
  const gateway = await openWorld({ clock, env: PUBLIC });
  const { world } = gateway.sandbox;
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  world.setDevice('bert', 'iPhone', 'PushOnline');
  clock.advance(8000);
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  expect(asked(gateway)).toBe(1);
  clock.advance(60_000);
  expect(await presenceOf(gateway, 'bert')).toEqual({ status: 'PUSH_ONLINE', platforms: ['iPhone'] });
});

test.each([{ stateKey: true }, { unknownFields: true }] as const)('%o is read all the same', async (fault) => {
  const gateway = await openWorld({ env: PUBLIC });
  gateway.sandbox.world.setDevice('bert', 'Mac', 'Online');
  gateway.sandbox.faults.set(fault);
  expect(await presenceOf(gateway, 'bert')).toEqual(online('Mac'));
});

test('an account that does not exist fails alone, and so does one of which the upstream tells nothing', async () => {
  const gateway = await openWorld({ env: PUBLIC });
  const { data, errors } = await gateway.query(`{ users(ids: ["bert", "nobody", "cleo"]) { id ${PRESENCE} } }`);
  expect(data?.users).toEqual([
    { id: 'bert', presence: OFFLINE },
    { id: 'nobody', presence: null },
    { id: 'cleo', presence: OFFLINE },
  ]);
  expect(errors?.map(({ path, extensions }) => [path?.[1], extensions.code])).toEqual([[1, 'USER_NOT_FOUND']]);
  expect(asked(gateway)).toBe(1);
});

test('a webhook expires the cached presence, and says nothing itself: the upstream is asked', async () => {
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: PUBLIC });
  const { world, act } = gateway.sandbox;
  world.importAccount('bert');
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  act.connect('bert', 'Web');
  await expect.poll(() => presenceOf(gateway, 'bert')).toEqual(online('Web'));
  const forged = { EventTime: Date.now(), Info: { Action: 'Logout', To_Account: 'bert', Reason: 'Unregister' } };
  const before = asked(gateway);
  await tell(gateway, 'State.StateChange', forged);
  await expect
    .poll(async () => [await presenceOf(gateway, 'bert'), asked(gateway)])
    .toEqual([online('Web'), before + 1]);
});

test('two thousand logins are no flood, and no call, where no client looks', async () => {
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: PUBLIC });
  const { world, calls } = gateway.sandbox;
  world.importAccount('bert');
  await presenceOf(gateway, 'bert');
  calls.reset();
  const login = (n: number) =>
    tell(gateway, 'State.StateChange', {
      EventTime: Date.now(),
      Info: { Action: 'Login', To_Account: `u${n}`, Reason: 'Register' },
    });
  for (let n = 0; n < 2000; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => login(n + i)));
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  expect(calls.summary()).toEqual({});
  expect(gateway.logLines.join()).not.toContain('More webhooks come');
});

test('subscribers on any replica hear of a change once, and not of a device that changes nothing', async () => {
  const { url: REDIS_URL } = await startRedis();
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: { ...PUBLIC, REDIS_URL } });
  const other = await gateway.openReplica();
  const { world, act, webhooks } = gateway.sandbox;
  world.importAccount('bert');
  world.importAccount('cleo');
  const query = `subscription { presenceChanged(userIds: ["bert"]) { user { ${PRESENCE} } } }`;
  const streams = await Promise.all([gateway, other].map((replica) => subscribe(replica, query)));
  expect(await presenceOf(other, 'bert')).toEqual(OFFLINE);
  act.connect('bert', 'Web');
  const heard = () =>
    Promise.all(
      streams.map(
        async (events) =>
          (await events.answer<{ data: { presenceChanged: { user: { presence: object } } } }>()).data.presenceChanged
            .user.presence,
      ),
    );
  expect(await heard()).toEqual([online('Web'), online('Web')]);
  expect(await presenceOf(other, 'bert')).toEqual(online('Web'));
  const before = asked(gateway);
  // A second login on the same device.
  act.connect('bert', 'Web');
  await webhooks.settled();
  await expect.poll(() => asked(gateway)).toBe(before + 2);
  act.connect('bert', 'Web', 'logout');
  expect(await heard()).toEqual([OFFLINE, OFFLINE]);
});

test('while it cannot be found out who is a mutual, no subscriber hears of a change', async () => {
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: { AUTH: 'development' } });
  const { world, act, faults, webhooks } = gateway.sandbox;
  for (const id of ['anna', 'bert']) world.importAccount(id);
  const query = `subscription { presenceChanged(userIds: ["anna", "bert"]) { user { id } } }`;
  const events = await subscribe(gateway, query, {}, { 'x-viewer-id': 'anna' });
  faults.set({ error: { code: 30001, commands: ['follow_check'] } });
  act.connect('bert', 'Web');
  await webhooks.settled();
  await expect.poll(() => callCounts(gateway).follow_check).toBe(1);
  act.connect('anna', 'Web');
  expect((await events.next())?.data).toContain('"anna"');
});
