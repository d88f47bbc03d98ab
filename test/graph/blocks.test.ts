// Blocking and unblocking: who is blocked, what becomes of the follows, and who is told what.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWithWebhooks, PORTRAIT, tell } from '../webhook/webhook-gateway.ts';
import { openWorld, type Result, short, truth, uncounted, view } from './two-users.ts';

async function change(replica: Replica, field: 'blockUsers' | 'unblockUsers', viewer: string, ids: string[]) {
  const { done } = await replica.as(viewer).data<{ done: { results: Result[] } }>(
    `mutation ($ids: [ID!]!) { done: ${field}(input: { userIds: $ids }) { results { __typename
      ... on BlockChanged { user { id viewerHasBlocked } } ... on BlockUnchanged { user { id viewerHasBlocked } }
      ... on BlockFailure { userId reason } } } }`,
    { ids },
  );
  return short(done.results);
}
const block = (replica: Replica, viewer: string, ids: string[]) => change(replica, 'blockUsers', viewer, ids);

type Blocked = { totalCount: number; edges: { cursor: string; node: { id: string } }[]; pageInfo: object } | null;
const blocked = async (replica: Pick<Replica, 'data'>, first = 20, after: string | null = null) =>
  (
    await replica.data<{ blockedUsers: Blocked }>(
      `query ($first: Int, $after: String) { blockedUsers(first: $first, after: $after) {
        totalCount edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`,
      { first, after },
    )
  ).blockedUsers;
const idsOf = (list: Blocked) => list?.edges.map(({ node }) => node.id);

test.each([false, true])(
  'neither is in a list of the other after a block, and both replicas know of it; lagging: %s',
  async (lags) => {
    const { url: REDIS_URL } = await startRedis();
    const gateway = await openWorld({ clock: createRunningClock(), env: { REDIS_URL } });
    const other = await gateway.openReplica();
    const { world, faults } = gateway.sandbox;
    for (const [from, to] of ['anna bert', 'bert anna', 'cleo anna', 'anna dora'].map((pair) => pair.split(' ')))
      world.follow(from as string, to as string, 1_700_000_000);
    if (lags) faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
    const shown = lags ? uncounted : (whole: { viewer: object; user: object }) => whole;
    const look = async () => {
      for (const replica of [other, gateway, other])
        for (const id of ['bert', 'cleo', 'dora']) {
          expect(shown(await view(replica, 'anna', id))).toEqual(shown(truth(gateway, 'anna', id)));
          expect(shown(await view(replica, id, 'anna'))).toEqual(shown(truth(gateway, id, 'anna')));
          const state = await replica
            .as('anna')
            .data('query ($id: ID!) { user(id: $id) { viewerHasBlocked } }', { id });
          expect(state).toEqual({ user: { viewerHasBlocked: world.hasBlocked('anna', id) } });
        }
      expect(idsOf(await blocked(other.as('anna')))?.sort()).toEqual(
        world
          .blockedBy('anna')
          .map(([id]) => id)
          .sort(),
      );
      expect(idsOf(await blocked(gateway.as('anna')))?.sort()).toEqual(
        world
          .blockedBy('anna')
          .map(([id]) => id)
          .sort(),
      );
    };
    await look();
    expect(await block(gateway, 'anna', ['bert', 'cleo'])).toEqual([
      ['Changed', 'bert'],
      ['Changed', 'cleo'],
    ]);
    expect(world.counts('anna')).toEqual({ fans: 0, follows: 1, mutuals: 0 });
    await look();
    expect(await block(other, 'anna', ['bert', 'dora'])).toEqual([
      ['Unchanged', 'bert'],
      ['Changed', 'dora'],
    ]);
    await look();
    expect(await change(other, 'unblockUsers', 'anna', ['bert', 'bert', 'emil'])).toEqual([
      ['Changed', 'bert'],
      ['Changed', 'bert'],
      ['Failure', 'emil', 'USER_NOT_FOUND'],
    ]);
    await look();
    expect(await change(gateway, 'unblockUsers', 'anna', ['bert'])).toEqual([['Unchanged', 'bert']]);
    expect(world.counts('anna').follows).toBe(0);
  },
);

test('a follow that no cache knows of is gone at once too, however far behind the upstream is', async () => {
  const clock = createRunningClock();
  const gateway = await openWorld({ clock });
  const { world, faults } = gateway.sandbox;
  await view(gateway, 'anna', 'bert');
  world.follow('bert', 'anna');
  clock.advance(60_000);
  faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
  expect(await block(gateway, 'anna', ['bert'])).toEqual([['Changed', 'bert']]);
  expect(uncounted(await view(gateway, 'anna', 'bert'))).toEqual(uncounted(truth(gateway, 'anna', 'bert')));
});

test.each(['strangers', 'mutuals'])('to block 20 %s is one call, and 21 that end follows', async (who) => {
  const people = Array.from({ length: 20 }, (_, n) => `friend_${n}`);
  const gateway = await openWorld({ people: ['anna', ...people] });
  const { world } = gateway.sandbox;
  if (who === 'mutuals')
    for (const id of people) {
      world.follow('anna', id);
      world.follow(id, 'anna');
    }
  expect(await block(gateway, 'anna', people)).toEqual(people.map((id) => ['Changed', id]));
  expect(world.counts('anna')).toEqual({ fans: 0, follows: 0, mutuals: 0 });
  expect(callCounts(gateway)).toEqual({ black_list_add: 1, follow_delete: 21 });
});

test('a failure stands at its target, and a block that is done by half says so', async () => {
  const gateway = await openWorld();
  const { world, faults } = gateway.sandbox;
  world.follow('cleo', 'anna');
  faults.set({
    itemFailure: { ids: ['bert'], code: 30013, commands: ['black_list_add'] },
    // The viewer's own end, then that of cleo.
    error: { code: 30005, commands: ['follow_delete'], every: 2, times: 1 },
  });
  expect(await block(gateway, 'anna', ['bert', 'cleo', 'dora', 'anna', 'nobody', 'no body'])).toEqual([
    ['Failure', 'bert', 'BLOCK_LIMIT_REACHED'],
    ['Failure', 'cleo', 'FOLLOWS_REMAIN'],
    ['Changed', 'dora'],
    ['Failure', 'anna', 'YOURSELF'],
    ['Failure', 'nobody', 'USER_NOT_FOUND'],
    ['Failure', 'no body', 'INVALID_ID'],
  ]);
  expect(world.blockedBy('anna').map(([id]) => id)).toEqual(['dora', 'cleo']);
  expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['cleo', 'dora']);
  expect(await block(gateway, 'anna', ['cleo'])).toEqual([['Unchanged', 'cleo']]);
  expect(world.counts('anna').fans).toBe(0);
});

test('the blocklist of an upstream that calls it done to block again reads the same', async () => {
  const gateway = await openWorld();
  gateway.sandbox.faults.set({ blockedAgainOk: true, currentSequence: true });
  await block(gateway, 'anna', ['bert']);
  expect(await block(gateway, 'anna', ['bert'])).toEqual([['Changed', 'bert']]);
  expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['bert']);
});

const LOST = ['answerLost', 'reset', 'silence', 'truncatedJson'] as const;
describe.each(LOST)('an answer that is lost (%s)', (fault) => {
  test.each(['black_list_add', 'follow_delete', 'black_list_delete'] as const)(
    'of %s ends in the truth',
    async (command) => {
      const gateway = await openWorld({ clock: createRunningClock(), env: { UPSTREAM_TIMEOUT_MS: '1500' } });
      const { world, faults } = gateway.sandbox;
      world.follow('anna', 'bert');
      world.follow('bert', 'anna');
      const isBlock = command !== 'black_list_delete';
      if (!isBlock) world.setBlocked('anna', 'bert', true);
      faults.set({ [fault]: { commands: [command], times: 1 } });
      expect(await change(gateway, isBlock ? 'blockUsers' : 'unblockUsers', 'anna', ['bert'])).toEqual([
        ['Changed', 'bert'],
      ]);
      expect(world.hasBlocked('anna', 'bert')).toBe(isBlock);
      if (isBlock) expect(world.counts('anna')).toEqual({ fans: 0, follows: 0, mutuals: 0 });
      expect(await view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
    },
  );
});

test('a block that cannot be found again is called unknown, and read again', async () => {
  const gateway = await openWorld();
  const { faults } = gateway.sandbox;
  faults.set({ answerLost: { commands: ['black_list_add'] }, error: { code: 30006, commands: ['black_list_check'] } });
  expect(await block(gateway, 'anna', ['bert'])).toEqual([['Failure', 'bert', 'UNKNOWN_OUTCOME']]);
  faults.reset();
  expect(await gateway.as('anna').data('{ user(id: "bert") { viewerHasBlocked } }')).toEqual({
    user: { viewerHasBlocked: true },
  });
});

test('a blocked user who follows again in the app is a fan again, and that is told', async () => {
  const clock = createRunningClock();
  const gateway = await openWithWebhooks({ clock, env: { AUTH: 'development' } });
  const { world, act, webhooks } = gateway.sandbox;
  for (const id of ['anna', 'bert']) world.importAccount(id);
  world.follow('bert', 'anna');
  const query = '{ viewer { fans { nodes { id } } } user(id: "bert") { isFollowingViewer viewerHasBlocked } }';
  const seen = (fans: string[], viewerHasBlocked: boolean) => ({
    viewer: { fans: { nodes: fans.map((id) => ({ id })) } },
    user: { isFollowingViewer: fans.length > 0, viewerHasBlocked },
  });
  const ask = () => gateway.as('anna').data(query);
  expect(await ask()).toEqual(seen(['bert'], false));
  const events = await subscribe(
    gateway,
    'subscription { followEvents(userId: "anna") { __typename } }',
    {},
    { 'x-viewer-id': 'anna' },
  );
  await block(gateway, 'anna', ['bert']);
  await webhooks.settled();
  expect(await ask()).toEqual(seen([], true));
  act.follow('bert', 'anna');
  const told = async () =>
    (await events.answer<{ data: { followEvents: { __typename: string } } }>()).data.followEvents.__typename;
  expect([await told(), await told()]).toEqual(['FanLost', 'FanGained']);
  expect(await ask()).toEqual(seen(['bert'], true));
});

test('no subscriber hears that a stranger has blocked them', async () => {
  const gateway = await openWithWebhooks({ env: { AUTH: 'development' } });
  for (const id of ['anna', 'bert', 'cleo']) gateway.sandbox.world.importAccount(id);
  const events = await subscribe(gateway, 'subscription { followEvents(userId: "bert") { __typename } }');
  await block(gateway, 'anna', ['bert']);
  await gateway.sandbox.webhooks.settled();
  gateway.sandbox.act.follow('cleo', 'bert');
  expect((await events.next())?.data).toContain('FanGained');
});

test('a block that is made in the app shows at once where its webhook comes', async () => {
  const gateway = await openWithWebhooks({ env: { AUTH: 'development', LIST_FRESH_SECONDS: '300' } });
  const { world, act, webhooks } = gateway.sandbox;
  for (const id of ['anna', 'bert']) world.importAccount(id);
  const ask = async () => [
    await gateway.as('anna').data('{ user(id: "bert") { viewerHasBlocked } }'),
    idsOf(await blocked(gateway.as('anna'))),
  ];
  expect(await ask()).toEqual([{ user: { viewerHasBlocked: false } }, []]);
  act.block('anna', 'bert');
  await webhooks.settled();
  expect(await ask()).toEqual([{ user: { viewerHasBlocked: true } }, ['bert']]);
  act.block('anna', 'bert', false);
  await webhooks.settled();
  expect(await ask()).toEqual([{ user: { viewerHasBlocked: false } }, []]);
});

test('a list that is read between the webhook of a block and the upstream’s own sight of it is read again', async () => {
  const clock = createRunningClock();
  const gateway = await openWithWebhooks({ clock, env: { AUTH: 'development', LIST_FRESH_SECONDS: '300' } });
  const { world } = gateway.sandbox;
  for (const id of ['anna', 'bert']) world.importAccount(id);
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

/** Ways to a user that show who blocks whom. */
const FIELDS = 'viewerHasBlocked hasBlockedViewer';
const WAYS: Record<string, { query: string; path: (string | number)[] }> = {
  user: { query: `{ user(id: "bert") { ${FIELDS} } }`, path: ['user'] },
  node: { query: `{ node(id: "bert") { ... on User { ${FIELDS} } } }`, path: ['node'] },
  users: { query: `{ users(ids: ["bert"]) { ${FIELDS} } }`, path: ['users', 0] },
  edge: {
    query: `{ user(id: "cleo") { fans { edges { node { ${FIELDS} } } } } }`,
    path: ['user', 'fans', 'edges', 0, 'node'],
  },
  entity: {
    query: `{ _entities(representations: [{ __typename: "User", id: "bert" }]) { ... on User { ${FIELDS} } } }`,
    path: ['_entities', 0],
  },
};

test.each(['off', 'on'])(
  'who blocks a viewer is theirs to know only by SHOW_BLOCKED_BY, which is %s, by every way',
  async (shows) => {
    const gateway = await openWorld({ env: { SHOW_BLOCKED_BY: shows } });
    const { world } = gateway.sandbox;
    world.follow('bert', 'cleo');
    world.setBlocked('anna', 'bert', true);
    world.setBlocked('bert', 'dora', true);
    const by = (value: boolean) => (shows === 'on' ? value : null);
    const expected = {
      anna: [true, by(false)],
      dora: [false, by(true)],
      bert: [false, by(false)],
      cleo: [false, by(false)],
    };
    for (const [way, { query, path }] of Object.entries(WAYS)) {
      const read = async (replica: Pick<Replica, 'data'>) => {
        const data = await replica.data<unknown>(query);
        const user = path.reduce((value, key) => (value as Record<string, unknown>)[key], data) as Record<
          string,
          unknown
        >;
        return [user.viewerHasBlocked, user.hasBlockedViewer];
      };
      for (const [viewer, state] of Object.entries(expected))
        expect([way, viewer, await read(gateway.as(viewer))]).toEqual([way, viewer, state]);
      expect([way, await read(gateway)]).toEqual([way, [null, null]]);
    }
    expect(idsOf(await blocked(gateway.as('anna')))).toEqual(['bert']);
    expect(idsOf(await blocked(gateway.as('cleo')))).toEqual([]);
    expect(await blocked(gateway)).toBeNull();
  },
);

test('a list of blocked users pages exactly while it changes, and no viewer uses the cursors of another', async () => {
  const people = ['anna', ...Array.from({ length: 7 }, (_, n) => `foe_${n}`)];
  const clock = createRunningClock();
  const gateway = await openWorld({ people, clock, env: { LIST_FRESH_SECONDS: '0' } });
  const { world } = gateway.sandbox;
  // All in one second, as one request blocks them.
  for (const id of people.slice(1)) world.setBlocked('anna', id, true);
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
  const { errors } = await gateway.as('foe_1').query(`{ blockedUsers(after: "${after}") { totalCount } }`);
  expect(errors?.[0]?.extensions.code).toBe('INVALID_CURSOR');
});

test('a hundred edges with their relation, block state and presence are one call of each kind', async () => {
  const people = ['anna', ...Array.from({ length: 100 }, (_, n) => `fan_${n}`)];
  const gateway = await openWorld({ people });
  for (const id of people.slice(1)) gateway.sandbox.world.follow(id, 'anna');
  await gateway
    .as('anna')
    .data(
      '{ viewer { fans(first: 100) { edges { node { viewerIsFollowing viewerHasBlocked presence { status } } } } } }',
    );
  expect(callCounts(gateway)).toEqual({ follow_get: 1, follow_check: 1, black_list_check: 1 });
  const open = await openWorld({ people, env: { PRESENCE_VISIBILITY: 'public' } });
  for (const id of people.slice(1)) open.sandbox.world.follow(id, 'anna');
  await open
    .as('anna')
    .data(
      '{ viewer { fans(first: 100) { edges { node { viewerIsFollowing viewerHasBlocked presence { status } } } } } }',
    );
  expect(callCounts(open)).toEqual({ follow_get: 1, follow_check: 1, black_list_check: 1, query_online_status: 1 });
});

test.each([
  ['blockUsers', 22],
  ['unblockUsers', 2],
  ['removeFans', 24],
])('%s of 20 users is refused where fewer than its %i calls are allowed', async (field, calls) => {
  const ids = Array.from({ length: 20 }, (_, n) => `friend_${n}`);
  const gateway = await openWorld({ people: ['anna', ...ids], env: { MAX_UPSTREAM_CALLS: String(calls) } });
  const strict = await gateway.openReplica({ MAX_UPSTREAM_CALLS: String(calls - 1) });
  const type = field === 'removeFans' ? 'Follow' : 'Block';
  const query = `mutation ($ids: [ID!]!) { ${field}(input: { userIds: $ids }) { results { ... on ${type}Failure { reason } } } }`;
  expect((await strict.as('anna').query(query, { ids })).errors?.[0]?.extensions.code).toBe('OPERATION_TOO_EXPENSIVE');
  expect(callCounts(gateway)).toEqual({});
  await gateway.as('anna').data(query, { ids });
  expect(Object.values(callCounts(gateway)).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(calls);
});
