// Presence: for whom to see, how old at most, and at what price.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { STATE_FOR_STATUS } from '../support/sandbox.ts';
import { tell } from '../webhook/webhook-gateway.ts';
import { asViewer, at, openTwo, openWorld, userWays } from './world.ts';

const PRESENCE = 'presence { status platforms }';
const presenceOf = async (replica: Pick<Replica, 'data'>, id: string) =>
  at(await replica.data(`query ($id: ID!) { user(id: $id) { ${PRESENCE} } }`, { id }), 'user.presence');
const OFFLINE = { status: 'OFFLINE', platforms: [] };
const online = (...platforms: string[]) => ({ status: 'ONLINE', platforms });
const asked = (gateway: TestGateway) => callCounts(gateway).query_online_status ?? 0;
const PUBLIC = { PRESENCE_VISIBILITY: 'public' };
const openTold = (env: Record<string, string> = {}, follows: string[] = []) =>
  openWorld({ clock: createRunningClock(), hasWebhooks: true, env, follows });
/** A webhook of a login or logout. */
const stateOf = (id: string, Action: string, Reason: string) => ({
  EventTime: Date.now(),
  Info: { Action, To_Account: id, Reason },
});

/** Who sees bert online: anna is a mutual, cleo a fan, dora a stranger. */
const MAY = {
  public: [null, 'anna', 'bert', 'cleo', 'dora'],
  authenticated: ['anna', 'bert', 'cleo', 'dora'],
  mutuals: ['anna', 'bert'],
  self: ['bert'],
};

test.each(Object.entries<readonly (string | null)[]>(MAY))(
  'presence for %s is shown to them alone, by every way',
  async (setting, allowed) => {
    const env: Record<string, string> = setting === 'mutuals' ? {} : { PRESENCE_VISIBILITY: setting };
    const gateway = await openTold(env, ['anna bert', 'bert anna', 'cleo bert']);
    const { act, webhooks } = gateway.sandbox;
    act.connect('bert', 'Web');
    for (const who of MAY.public) {
      const replica = who === null ? gateway : gateway.as(who);
      const isAllowed = allowed.includes(who);
      const presence = isAllowed ? online('Web') : null;
      for (const [way, query, path] of userWays('bert', 'anna', PRESENCE))
        expect(at(await replica.data(query), path), `${way} for ${who}`).toEqual({ presence });
      const query = `subscription { presenceChanged(userIds: ["bert", "${who ?? 'anna'}"]) { user { id ${PRESENCE} } } }`;
      const events = await subscribe(gateway, query, {}, asViewer(who));
      act.connect('bert', 'PC');
      // A viewer always hears of themselves, so the event that comes first tells whether the other came at all.
      await webhooks.settled();
      await new Promise((resolve) => setImmediate(resolve));
      act.connect(who ?? 'anna', 'iPad');
      expect((await events.next())?.data).toContain(isAllowed ? '"bert"' : who ? `"${who}"` : 'FORBIDDEN');
      events.leave();
      act.connect(who ?? 'anna', 'iPad', 'logout');
      act.connect('bert', 'PC', 'logout');
      await webhooks.settled();
      await expect.poll(() => presenceOf(gateway.as('bert'), 'bert')).toEqual(online('Web'));
    }
  },
);

test('an answer is fresh for ten seconds, and after a minute nothing older is shown', async () => {
  const clock = createRunningClock();
  const gateway = await openWorld({ clock, env: PUBLIC });
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  gateway.world.setDevice('bert', 'iPhone', 'PushOnline');
  clock.advance(8000);
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  expect(asked(gateway)).toBe(1);
  clock.advance(60_000);
  expect(await presenceOf(gateway, 'bert')).toEqual({ status: 'PUSH_ONLINE', platforms: ['iPhone'] });
});

test('a status that is called State is read all the same', async () => {
  const gateway = await openWorld({ env: PUBLIC });
  gateway.world.setDevice('bert', 'Mac', 'Online');
  gateway.faults.set({ rewrite: STATE_FOR_STATUS });
  expect(await presenceOf(gateway, 'bert')).toEqual(online('Mac'));
});

test('a webhook expires the cached presence, and says nothing itself: the upstream is asked', async () => {
  const gateway = await openTold(PUBLIC);
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  gateway.sandbox.act.connect('bert', 'Web');
  await expect.poll(() => presenceOf(gateway, 'bert')).toEqual(online('Web'));
  const before = asked(gateway);
  await tell(gateway, 'State.StateChange', stateOf('bert', 'Logout', 'Unregister'));
  const ask = async () => [await presenceOf(gateway, 'bert'), asked(gateway)];
  await expect.poll(ask).toEqual([online('Web'), before + 1]);
});

test('two thousand logins are no flood, and no call, where no client looks', async () => {
  const gateway = await openTold(PUBLIC);
  await presenceOf(gateway, 'bert');
  gateway.sandbox.calls.reset();
  const login = (n: number) => tell(gateway, 'State.StateChange', stateOf(`u${n}`, 'Login', 'Register'));
  for (let n = 0; n < 2000; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => login(n + i)));
  expect(await presenceOf(gateway, 'bert')).toEqual(OFFLINE);
  expect(callCounts(gateway)).toEqual({});
  expect(gateway.logLines.join()).not.toContain('More webhooks come');
});

test('subscribers on any replica hear of a change once, and not of a device that changes nothing', async () => {
  const { gateway, other } = await openTwo({ hasWebhooks: true, env: PUBLIC });
  const { act, webhooks } = gateway.sandbox;
  const query = `subscription { presenceChanged(userIds: ["bert"]) { user { ${PRESENCE} } } }`;
  const streams = await Promise.all([gateway, other].map((replica) => subscribe(replica, query)));
  expect(await presenceOf(other, 'bert')).toEqual(OFFLINE);
  act.connect('bert', 'Web');
  const heard = () =>
    Promise.all(streams.map(async (events) => at(await events.answer(), 'data.presenceChanged.user.presence')));
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
  const gateway = await openTold();
  const { act, webhooks } = gateway.sandbox;
  const query = `subscription { presenceChanged(userIds: ["anna", "bert"]) { user { id } } }`;
  const events = await subscribe(gateway, query, {}, asViewer('anna'));
  gateway.faults.set({ error: { code: 30001, commands: ['follow_check'] } });
  act.connect('bert', 'Web');
  await webhooks.settled();
  await expect.poll(() => callCounts(gateway).follow_check).toBe(1);
  act.connect('anna', 'Web');
  expect((await events.next())?.data).toContain('"anna"');
});
