// Ending somebody's following of the viewer: told per target, and seen by both from then on.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { callCounts, type Replica } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWorld, type Result, short, truth, uncounted, view } from './two-users.ts';

async function remove(replica: Replica, viewer: string, ids: string[]) {
  const { removeFans } = await replica.as(viewer).data<{ removeFans: { results: Result[] } }>(
    `mutation ($ids: [ID!]!) { removeFans(input: { userIds: $ids }) { results { __typename
      ... on FollowChanged { user { id } } ... on FollowUnchanged { user { id } } ... on FollowFailure { userId reason } } } }`,
    { ids },
  );
  return short(removeFans.results);
}

test.each([false, true])(
  'a fan that is removed is in no list of either, on two replicas; lagging: %s',
  async (lags) => {
    const { url: REDIS_URL } = await startRedis();
    const gateway = await openWorld({ clock: createRunningClock(), env: { REDIS_URL } });
    const other = await gateway.openReplica();
    const { world, faults } = gateway.sandbox;
    world.follow('bert', 'anna', 1_700_000_000);
    world.follow('anna', 'bert', 1_700_000_001);
    world.follow('cleo', 'anna', 1_700_000_002);
    if (lags) faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
    const shown = lags ? uncounted : (whole: { viewer: object; user: object }) => whole;
    const look = async () => {
      for (const replica of [other, gateway, other])
        for (const [one, two] of [
          ['anna', 'bert'],
          ['bert', 'anna'],
          ['cleo', 'anna'],
        ] as const)
          expect(shown(await view(replica, one, two))).toEqual(shown(truth(gateway, one, two)));
    };
    await look();
    expect(await remove(gateway, 'anna', ['bert', 'dora'])).toEqual([
      ['Changed', 'bert'],
      ['Unchanged', 'dora'],
    ]);
    expect(world.counts('anna')).toEqual({ fans: 1, follows: 1, mutuals: 0 });
    await look();
    expect(await remove(other, 'anna', ['bert', 'cleo'])).toEqual([
      ['Unchanged', 'bert'],
      ['Changed', 'cleo'],
    ]);
    await look();
  },
);

test('to remove fans costs one look and a call for each; a failure stands at its target', async () => {
  const gateway = await openWorld();
  const { world, faults } = gateway.sandbox;
  for (const id of ['bert', 'cleo', 'dora']) world.follow(id, 'anna');
  faults.set({ error: { code: 30005, commands: ['follow_delete'], every: 2, times: 1 } });
  expect(await remove(gateway, 'anna', ['bert', 'cleo', 'anna', 'nobody', 'no body', 'dora'])).toEqual([
    ['Changed', 'bert'],
    ['Failure', 'cleo', 'UNAVAILABLE'],
    ['Failure', 'anna', 'YOURSELF'],
    ['Failure', 'nobody', 'USER_NOT_FOUND'],
    ['Failure', 'no body', 'INVALID_ID'],
    ['Changed', 'dora'],
  ]);
  expect(world.list('anna', 'fans').map(({ id }) => id)).toEqual(['cleo']);
  expect(callCounts(gateway)).toEqual({ follow_check: 1, follow_delete: 4 });
});

describe.each(['answerLost', 'reset', 'silence', 'truncatedJson'] as const)('a %s', (fault) => {
  test('ends in the truth', async () => {
    const gateway = await openWorld({ clock: createRunningClock(), env: { UPSTREAM_TIMEOUT_MS: '1500' } });
    const { world, faults } = gateway.sandbox;
    world.follow('bert', 'anna');
    world.follow('cleo', 'anna');
    faults.set({ [fault]: { commands: ['follow_delete'], times: 1 } });
    expect(await remove(gateway, 'anna', ['bert', 'cleo'])).toEqual([
      ['Changed', 'bert'],
      ['Changed', 'cleo'],
    ]);
    expect(world.counts('anna').fans).toBe(0);
    expect(await view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
  });
});

test('an id of any length is refused in few bytes', async () => {
  const gateway = await openWorld();
  const [[outcome, userId, reason] = []] = await remove(gateway, 'anna', ['😀'.repeat(8000)]);
  expect([outcome, reason]).toEqual(['Failure', 'INVALID_ID']);
  expect(userId).toBe(`${'😀'.repeat(20)}…`);
  expect(callCounts(gateway)).toEqual({});
});

test('a viewer whom the app does not know is told so, not that their fans are unknown', async () => {
  const gateway = await openWorld();
  expect(await remove(gateway, 'stranger', ['bert', 'nobody'])).toEqual([
    ['Failure', 'bert', 'REFUSED'],
    ['Failure', 'nobody', 'USER_NOT_FOUND'],
  ]);
});
