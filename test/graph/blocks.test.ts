// Blocking and unblocking: who is blocked, what becomes of the follows, and who is told what.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica } from '../support/gateway.ts';
import { PORTRAIT, tell } from '../webhook/webhook-gateway.ts';
import { asViewer, at, change, expectTruth, LAGGING, openWorld, userWays } from './world.ts';

const block = (replica: Replica, viewer: string, ids: string[]) => change(replica, 'blockUsers', viewer, ids);
const numbered = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}_${n}`);

type Blocked = { totalCount: number; edges: { cursor: string; node: { id: string } }[]; pageInfo: object };
const blocked = async (replica: Pick<Replica, 'data'>, first = 20, after: string | null = null) => {
  const query = `query ($first: Int, $after: String) { blockedUsers(first: $first, after: $after) {
    totalCount edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`;
  const { blockedUsers } = await replica.data<{ blockedUsers: Blocked | null }>(query, { first, after });
  return blockedUsers;
};
const idsOf = (list: Blocked | null) => list?.edges.map(({ node }) => node.id);

test('after a block neither is in a list of the other, each id of a request is answered, and the block can be ended', async () => {
  const gateway = await openWorld({ follows: ['anna bert', 'bert anna', 'cleo anna', 'anna dora'] });
  expect(await block(gateway, 'anna', ['bert', 'cleo', 'bert'])).toEqual([
    'bert Changed',
    'cleo Changed',
    'bert Changed',
  ]);
  expect(gateway.world.counts('anna')).toEqual({ fans: 0, follows: 1, mutuals: 0 });
  const results = ['bert Changed', 'bert Changed', 'emil USER_NOT_FOUND'];
  expect(await change(gateway, 'unblockUsers', 'anna', ['bert', 'bert', 'emil'])).toEqual(results);
  expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['cleo']);
});

test('a follow that no cache knows of is gone at once too, however far behind the upstream is', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  await expectTruth(gateway, ['anna bert']);
  gateway.world.follow('bert', 'anna');
  gateway.clock.advance(60_000);
  gateway.faults.set(LAGGING);
  expect(await block(gateway, 'anna', ['bert'])).toEqual(['bert Changed']);
  await expectTruth(gateway, ['anna bert'], { countsLag: true });
});

test.each(['strangers', 'mutuals'])('to block 20 %s is one call, and 21 that end follows', async (who) => {
  const friends = numbered('friend', 20);
  const follows = who === 'mutuals' ? friends.flatMap((id) => [`anna ${id}`, `${id} anna`]) : [];
  const gateway = await openWorld({ people: ['anna', ...friends], follows });
  expect(await block(gateway, 'anna', friends)).toEqual(friends.map((id) => `${id} Changed`));
  expect(gateway.world.counts('anna')).toEqual({ fans: 0, follows: 0, mutuals: 0 });
  expect(callCounts(gateway)).toEqual({ black_list_add: 1, follow_delete: 21 });
});

test('a failure stands at its target, and a block that is done by half says so', async () => {
  const gateway = await openWorld({ follows: ['cleo anna'] });
  const { world, faults } = gateway;
  faults.set({
    itemFailure: { ids: ['bert'], code: 30013, commands: ['black_list_add'] },
    // The viewer's own end, then that of cleo.
    error: { code: 30005, commands: ['follow_delete'], every: 2, times: 1 },
  });
  expect(await block(gateway, 'anna', ['bert', 'cleo', 'dora', 'anna', 'nobody', 'no body'])).toEqual([
    ...['bert BLOCK_LIMIT_REACHED', 'cleo FOLLOWS_REMAIN', 'dora Changed'],
    ...['anna YOURSELF', 'nobody USER_NOT_FOUND', 'no body INVALID_ID'],
  ]);
  expect(world.blockedBy('anna').map(([id]) => id)).toEqual(['dora', 'cleo']);
  expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['cleo', 'dora']);
  expect(await block(gateway, 'anna', ['cleo'])).toEqual(['cleo Unchanged']);
  expect(world.counts('anna').fans).toBe(0);
});

test('the blocklist of an upstream that calls it done to block again reads the same', async () => {
  const gateway = await openWorld();
  gateway.faults.set({ blockedAgainOk: true });
  for (let time = 0; time < 2; time++) expect(await block(gateway, 'anna', ['bert'])).toEqual(['bert Changed']);
  expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['bert']);
});

test('a blocked user who follows again in the app is a fan again, and that is told', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), hasWebhooks: true, follows: ['bert anna'] });
  const look = () => expectTruth(gateway, ['anna bert']);
  await look();
  const subscription = 'subscription { followEvents(userId: "anna") { __typename } }';
  const events = await subscribe(gateway, subscription, {}, asViewer('anna'));
  await block(gateway, 'anna', ['bert']);
  await gateway.sandbox.webhooks.settled();
  await look();
  gateway.sandbox.act.follow('bert', 'anna');
  expect(await events.events(2)).toEqual([{ __typename: 'FanLost' }, { __typename: 'FanGained' }]);
  expect(gateway.world.counts('anna').fans).toBe(1);
  await look();
});

test('no subscriber hears that a stranger has blocked them', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), hasWebhooks: true });
  const events = await subscribe(gateway, 'subscription { followEvents(userId: "bert") { __typename } }');
  await block(gateway, 'anna', ['bert']);
  await gateway.sandbox.webhooks.settled();
  gateway.sandbox.act.follow('cleo', 'bert');
  expect((await events.next())?.data).toContain('FanGained');
});

test('a block that is made in the app shows at once where its webhook comes', async () => {
  const env = { LIST_FRESH_SECONDS: '300' };
  const gateway = await openWorld({ clock: createRunningClock(), hasWebhooks: true, env });
  const { act, webhooks } = gateway.sandbox;
  await expectTruth(gateway, ['anna bert']);
  for (const isBlocked of [true, false]) {
    act.block('anna', 'bert', isBlocked);
    await webhooks.settled();
    await expectTruth(gateway, ['anna bert']);
  }
});

test('a list that is read between the webhook of a block and the upstream’s own sight of it is read again', async () => {
  const env = { LIST_FRESH_SECONDS: '300' };
  const gateway = await openWorld({ clock: createRunningClock(), hasWebhooks: true, env });
  const { world, clock } = gateway;
  const ask = async () => [
    await gateway.as('anna').data('{ user(id: "bert") { viewerHasBlocked nick } }'),
    idsOf(await blocked(gateway.as('anna'))),
  ];
  const at = clock.now();
  const PairList = [{ From_Account: 'anna', To_Account: 'bert' }];
  await tell(gateway, 'Sns.CallbackBlackListAdd', { PairList }, { at });
  await tell(gateway, PORTRAIT, { From_Account: 'bert' }, { at });
  expect(await ask()).toEqual([{ user: { viewerHasBlocked: false, nick: null } }, []]);
  world.setBlocked('anna', 'bert', true);
  world.setProfile('bert', { Tag_Profile_IM_Nick: 'Bert' });
  clock.advance(30_000);
  await expect.poll(ask).toEqual([{ user: { viewerHasBlocked: true, nick: 'Bert' } }, ['bert']]);
});

test.each(['off', 'on'])(
  'who blocks a viewer is theirs to know only by SHOW_BLOCKED_BY, which is %s, by every way',
  async (shows) => {
    const gateway = await openWorld({ env: { SHOW_BLOCKED_BY: shows }, follows: ['bert cleo', 'cleo bert'] });
    gateway.world.setBlocked('anna', 'bert', true);
    gateway.world.setBlocked('bert', 'dora', true);
    const by = (value: boolean) => (shows === 'on' ? value : null);
    const expected = {
      anna: [true, by(false)],
      dora: [false, by(true)],
      bert: [false, by(false)],
      cleo: [false, by(false)],
    };
    for (const [way, query, path] of userWays('bert', 'cleo', 'viewerHasBlocked hasBlockedViewer')) {
      const expectState = async (replica: Pick<Replica, 'data'>, [viewerHasBlocked, hasBlockedViewer]: unknown[]) =>
        expect(at(await replica.data(query), path), way).toEqual({ viewerHasBlocked, hasBlockedViewer });
      for (const [viewer, state] of Object.entries(expected)) await expectState(gateway.as(viewer), state);
      await expectState(gateway, [null, null]);
    }
    expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['bert']);
    expect(idsOf(await blocked(gateway.as('cleo')))).toEqual([]);
    expect(await blocked(gateway)).toBeNull();
  },
);

test('a list of blocked users pages exactly while it changes', async () => {
  const foes = numbered('foe', 7);
  const clock = createRunningClock();
  const gateway = await openWorld({ people: ['anna', ...foes], clock, env: { LIST_FRESH_SECONDS: '0' } });
  const { world } = gateway;
  // All in one second, as one request blocks them.
  for (const id of foes) world.setBlocked('anna', id, true);
  const anna = gateway.as('anna');
  const first = await blocked(anna, 3);
  expect([idsOf(first), first?.totalCount]).toEqual([['foe_0', 'foe_1', 'foe_2'], 7]);
  const after = first?.edges[2]?.cursor ?? '';
  // The cursor's own member goes, with the one before, and comes back on top.
  world.setBlocked('anna', 'foe_1', false);
  world.setBlocked('anna', 'foe_2', false);
  clock.advance(1000);
  world.setBlocked('anna', 'foe_2', true);
  const second = await blocked(anna, 3, after);
  expect(idsOf(second)).toEqual(['foe_3', 'foe_4', 'foe_5']);
  expect(idsOf(await blocked(anna, 3, second?.edges[2]?.cursor))).toEqual(['foe_6']);
});
