// Following, unfollowing and removing fans: told per target, and seen by the next read wherever it is made.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/sandbox/seed.ts';
import { createHastyClock, createRunningClock } from '../support/clock.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { SEED } from '../support/random-cases.ts';
import { at, type Change, change, codesOf, expectTruth, LAGGING, mutationOf, openTwo, openWorld } from './world.ts';

const follow = (replica: Replica, viewer: string, ids: string[]) => change(replica, 'followUsers', viewer, ids);
const received = (gateway: TestGateway, command: 'follow_add' | 'follow_check') => callCounts(gateway)[command];

const PEOPLE = ['anna', 'bert', 'cleo', 'dora'];
const PAIRINGS = [
  ['anna bert', 'cleo dora'],
  ['anna cleo', 'bert dora'],
  ['anna dora', 'bert cleo'],
];
const FIELDS = ['followUsers', 'followUsers', 'unfollowUsers', 'removeFans', 'blockUsers', 'unblockUsers'] as const;

test.each([
  ['at once', { atOnce: true, hasWebhooks: true, countsLag: false }],
  ['one after the other', { atOnce: false, hasWebhooks: false, countsLag: false }],
  ['one after the other, while lists and counts lag', { atOnce: false, hasWebhooks: false, countsLag: true }],
  ['one after the other, while webhooks come and all lags', { atOnce: false, hasWebhooks: true, countsLag: true }],
])('many changes on two replicas, %s, are told as what they are, and read at once by everybody', async (_how, is) => {
  const { atOnce, hasWebhooks, countsLag } = is;
  const { gateway, other } = await openTwo({ people: PEOPLE, hasWebhooks, env: { LIST_FRESH_SECONDS: '5' } });
  const { world, faults, clock } = gateway;
  if (countsLag) faults.set(LAGGING);
  const random = createRandom(SEED);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const look = (pairs: string[]) => expectTruth(gateway, pairs, { replicas: [other, gateway], countsLag });

  /** Whether this is a change, by what was before. */
  const isChange = (field: Change, from: string, to: string) =>
    ({
      followUsers: world.followTime(from, to) === undefined,
      unfollowUsers: world.followTime(from, to) !== undefined,
      removeFans: world.followTime(to, from) !== undefined,
      blockUsers: !world.hasBlocked(from, to),
      unblockUsers: world.hasBlocked(from, to),
    })[field];

  for (let round = 0; round < 12; round++) {
    const jobs = new Map<string, Promise<unknown>>();
    for (let n = 0; n < 4; n++) {
      const field = pick(atOnce ? FIELDS.slice(0, 3) : FIELDS);
      const from = pick(PEOPLE);
      const to = pick(PEOPLE.filter((id) => id !== from));
      const outcome = `${to} ${isChange(field, from, to) ? 'Changed' : 'Unchanged'}`;
      // Of what one viewer does to another at once on two replicas, the upstream's order counts, which they do not see.
      if (jobs.has(`${from} ${to}`)) continue;
      const job = change(pick([gateway, other]), field, from, [to]);
      if (atOnce) {
        jobs.set(`${from} ${to}`, job);
        continue;
      }
      expect(await job).toEqual([outcome]);
      await look([pick(PAIRINGS.flat())]);
    }
    await Promise.all(jobs.values());
    if (atOnce) await look(pick(PAIRINGS));
    clock.advance(500);
  }
});

test('a follow of one user with its payload costs three upstream calls, with nothing in the cache', async () => {
  const gateway = await openWorld();
  const operation = readFileSync(new URL('../../schema/operations/11-follow-users.graphql', import.meta.url), 'utf8');
  expect(await gateway.as('anna').data(operation, { input: { userIds: ['bert'] } })).toMatchObject({
    followUsers: {
      results: [{ user: { viewerIsFollowing: true, viewerCanFollow: false, fansCount: 1 } }],
      viewer: { followsCount: 1 },
    },
  });
  expect(callCounts(gateway)).toEqual({ follow_check: 1, follow_add: 1, follow_get_info: 1 });
});

test.each([
  [32100, 'FOLLOW_LIMIT_REACHED'],
  [32101, 'FAN_LIMIT_REACHED'],
  [32102, 'MUTUAL_LIMIT_REACHED'],
  [32103, 'THEIR_MUTUAL_LIMIT_REACHED'],
  [60007, 'THROTTLED'],
  [30005, 'UNAVAILABLE'],
  [30001, 'REFUSED'],
  [7, 'UNKNOWN_OUTCOME'],
])('a target that the upstream refuses with %i is told %s, and the others are done', async (code, reason) => {
  const gateway = await openWorld();
  gateway.faults.set({ itemFailure: { ids: ['cleo'], code, commands: ['follow_add'] } });
  const results = await follow(gateway, 'anna', ['bert', 'cleo', 'dora']);
  expect(results).toEqual(['bert Changed', `cleo ${reason}`, 'dora Changed']);
});

test('a change of oneself alone, or of nonsense alone, asks the upstream nothing, and is told in few bytes', async () => {
  const gateway = await openWorld();
  const results = ['anna YOURSELF', 'no body INVALID_ID', ' INVALID_ID', `${'😀'.repeat(20)}… INVALID_ID`];
  expect(await follow(gateway, 'anna', ['anna', 'no body', '', '😀'.repeat(8000)])).toEqual(results);
  expect(callCounts(gateway)).toEqual({});
});

test.each([
  ['no target', 'anna', [], 'BAD_USER_INPUT'],
  ['more targets than one mutation takes', 'anna', ['bert', 'cleo', 'dora', 'emil'], 'BAD_USER_INPUT'],
  ['a change without a viewer', null, ['bert'], 'UNAUTHENTICATED'],
])('%s is refused whole, and nothing is changed', async (_what, viewer, ids, code) => {
  const gateway = await openWorld({ config: { maxTargets: 3 } });
  for (const field of ['followUsers', 'unfollowUsers'] as const) {
    const answer = await (viewer ? gateway.as(viewer) : gateway).query(mutationOf(field), { ids });
    expect([answer.data, codesOf(answer)]).toEqual([{ done: null }, [`done ${code}`]]);
  }
  expect(callCounts(gateway)).toEqual({});
});

test.each([
  ['followUsers', 'targets', ['bert'], ['bert REFUSED']],
  ['removeFans', 'fans', ['bert', 'nobody'], ['bert REFUSED', 'nobody USER_NOT_FOUND']],
] as const)(
  '%s by a viewer whom the app does not know says so, not that the %s are unknown',
  async (field, _whose, ids, results) => {
    expect(await change(await openWorld(), field, 'stranger', ids)).toEqual(results);
  },
);

test('to remove fans costs one look and a call for each; a failure stands at its target', async () => {
  const gateway = await openWorld({ follows: ['bert anna', 'cleo anna', 'dora anna'] });
  gateway.faults.set({ error: { code: 30005, commands: ['follow_delete'], every: 2, times: 1 } });
  const ids = ['bert', 'cleo', 'anna', 'nobody', 'no body', 'dora'];
  expect(await change(gateway, 'removeFans', 'anna', ids)).toEqual([
    ...['bert Changed', 'cleo UNAVAILABLE', 'anna YOURSELF', 'nobody USER_NOT_FOUND', 'no body INVALID_ID'],
    ...['dora Changed'],
  ]);
  expect(gateway.world.list('anna', 'fans').map(({ id }) => id)).toEqual(['cleo']);
  expect(callCounts(gateway)).toEqual({ follow_check: 1, follow_delete: 4 });
});

test('a change whose client goes away is finished, and the process waits for it', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  gateway.faults.set({ latency: { ms: 150, commands: ['follow_add'] } });
  const leaving = new AbortController();
  const asked = fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-viewer-id': 'anna' },
    body: JSON.stringify({ query: mutationOf('followUsers'), variables: { ids: ['bert'] } }),
    signal: leaving.signal,
  });
  await expect.poll(() => received(gateway, 'follow_add')).toBe(1);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await gateway.instance.close();
  expect(gateway.world.followTime('anna', 'bert')).toBeDefined();
});

test('changes that one viewer asks for at the same time are done in that order', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  gateway.faults.set({ latency: { ms: 80, commands: ['follow_add'] } });
  const first = follow(gateway, 'anna', ['bert']);
  await expect.poll(() => received(gateway, 'follow_add')).toBe(1);
  const second = change(gateway, 'unfollowUsers', 'anna', ['bert']);
  expect([await first, await second]).toEqual([['bert Changed'], ['bert Changed']]);
  expect(gateway.world.followTime('anna', 'bert')).toBeUndefined();
  await expectTruth(gateway, ['anna bert']);
});

test('two who follow each other at the same time are mutuals at once, also where the upstream does not lag', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), env: { WRITE_LAG_SECONDS: '0' } });
  // Both look at what was before, then both follow.
  gateway.faults.set({ latency: { ms: 80, commands: ['follow_check', 'follow_add'] } });
  await Promise.all([follow(gateway, 'anna', ['bert']), follow(gateway, 'bert', ['anna'])]);
  await expectTruth(gateway, ['anna bert']);
});

test('all mutations of an operation have one deadline: what cannot begin within it is not begun, and says so', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), env: { REQUEST_DEADLINE_MS: '3000' } });
  gateway.faults.set({ latency: { ms: 2000, commands: ['follow_add'] } });
  const each = ['bert', 'cleo', 'dora'].map(
    (id) => `${id}: followUsers(input: { userIds: ["${id}"] }) { results { ... on FollowFailure { reason } } }`,
  );
  const { bert, dora } = await gateway.as('anna').data<Record<string, unknown>>(`mutation { ${each.join(' ')} }`);
  expect([bert, dora]).toEqual([{ results: [{}] }, { results: [{ reason: 'UNAVAILABLE' }] }]);
  expect(gateway.world.followTime('anna', 'dora')).toBeUndefined();
});

test('each of two mutations in one operation answers with the users as they are then', async () => {
  const gateway = await openWorld();
  const state = `results { ... on FollowChanged { user { id viewerIsFollowing fansCount } } } viewer { followsCount }`;
  const one = (field: string) => `${field}(input: { userIds: ["bert"] }) { ${state} }`;
  const shown = (viewerIsFollowing: boolean, count: number) => ({
    results: [{ user: { id: 'bert', viewerIsFollowing, fansCount: count } }],
    viewer: { followsCount: count },
  });
  expect(await gateway.as('anna').data(`mutation { ${one('followUsers')} ${one('unfollowUsers')} }`)).toEqual({
    followUsers: shown(true, 1),
    unfollowUsers: shown(false, 0),
  });
});

test('after WRITE_LAG_SECONDS the upstream is believed again', async () => {
  const clock = createHastyClock();
  const gateway = await openWorld({ clock, env: { WRITE_LAG_SECONDS: '30' } });
  await follow(gateway, 'anna', ['bert']);
  // It is undone elsewhere, without a webhook.
  gateway.world.unfollow('anna', 'bert');
  const ask = () => gateway.as('anna').data('{ user(id: "bert") { viewerIsFollowing fansCount } }');
  expect(at(await ask(), 'user.viewerIsFollowing')).toBe(true);
  clock.advance(31_000);
  await ask();
  await expect.poll(ask).toEqual({ user: { viewerIsFollowing: false, fansCount: 0 } });
});
