// Following and unfollowing: told per target, and seen by the next read wherever it is made.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createHastyClock, createRunningClock } from '../support/clock.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWorld, type Result, short, truth, uncounted, view } from './two-users.ts';

type Kind = 'follow' | 'unfollow';

const RESULTS = `results {
  __typename
  ... on FollowChanged { user { id } }
  ... on FollowUnchanged { user { id } }
  ... on FollowFailure { userId reason message }
}`;
const mutationOf = (kind: Kind) =>
  `mutation ($ids: [ID!]!) { done: ${kind}Users(input: { userIds: $ids }) { ${RESULTS} } }`;

async function change(replica: Replica, kind: Kind, viewer: string, ids: string[]): Promise<Result[]> {
  const { done } = await replica.as(viewer).data<{ done: { results: Result[] } }>(mutationOf(kind), { ids });
  return done.results;
}
const follow = (replica: Replica, viewer: string, ids: string[]) => change(replica, 'follow', viewer, ids);
const unfollow = (replica: Replica, viewer: string, ids: string[]) => change(replica, 'unfollow', viewer, ids);
const received = ({ sandbox }: TestGateway, command: 'follow_add' | 'follow_delete') =>
  sandbox.calls.summary()[command]?.received ?? 0;

describe.each(['an upstream that shows changes at once', 'an upstream whose lists and counts lag'])(
  'over %s',
  (upstream) => {
    const shown = upstream.endsWith('lag') ? uncounted : (whole: { viewer: object; user: object }) => whole;
    const arm = ({ sandbox }: TestGateway) => {
      if (upstream.endsWith('lag')) sandbox.faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
    };

    test.each(['seen before', 'never seen before'])(
      'a follow and an unfollow show at once, on this replica and on another, for two users %s',
      async (seen) => {
        const { url: REDIS_URL } = await startRedis();
        const gateway = await openWorld({ clock: createRunningClock(), env: { REDIS_URL } });
        const other = await gateway.openReplica();
        const { world } = gateway.sandbox;
        world.follow('bert', 'anna', 1_700_000_000);
        world.follow('cleo', 'bert', 1_700_000_001);
        arm(gateway);
        const look = async () => {
          for (const replica of [other, gateway, other]) {
            expect(shown(await view(replica, 'anna', 'bert'))).toEqual(shown(truth(gateway, 'anna', 'bert')));
            expect(shown(await view(replica, 'bert', 'anna'))).toEqual(shown(truth(gateway, 'bert', 'anna')));
          }
        };
        if (seen === 'seen before') await look();
        expect(short(await follow(gateway, 'anna', ['bert']))).toEqual([['Changed', 'bert']]);
        await look();
        expect(short(await follow(other, 'anna', ['bert']))).toEqual([['Unchanged', 'bert']]);
        await look();
        expect(short(await unfollow(other, 'anna', ['bert']))).toEqual([['Changed', 'bert']]);
        await look();
        expect(short(await unfollow(gateway, 'anna', ['bert']))).toEqual([['Unchanged', 'bert']]);
        expect(short(await follow(gateway, 'anna', ['bert', 'cleo']))).toEqual([
          ['Changed', 'bert'],
          ['Changed', 'cleo'],
        ]);
        await look();
      },
    );

    test('any sequence of changes reads as it was made', async () => {
      const people = ['anna', 'bert', 'cleo', 'dora', 'emil'];
      const clock = createHastyClock(1000);
      const gateway = await openWorld({ people, clock, env: { LIST_FRESH_SECONDS: '5' } });
      arm(gateway);
      let state = 7;
      const below = (limit: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % limit;
      };
      const pick = () => people[below(people.length)] as string;
      for (let step = 0; step < 150; step++) {
        // Slow enough for the upstream's limit.
        clock.advance(100);
        const viewer = pick();
        const targets = [...new Set([pick(), pick()])].filter((id) => id !== viewer);
        if (targets.length > 0) await change(gateway, below(3) === 0 ? 'unfollow' : 'follow', viewer, targets);
        const [someone, another] = [pick(), pick()];
        if (someone !== another)
          expect(shown(await view(gateway, someone, another))).toEqual(shown(truth(gateway, someone, another)));
      }
    });
  },
);

test('counts show a change as soon as WRITE_LAG_SECONDS are over, where the upstream lags', async () => {
  const clock = createRunningClock();
  const gateway = await openWorld({ clock, env: { LIST_FRESH_SECONDS: '300' } });
  gateway.sandbox.faults.set({ listsLag: { ms: 2000 }, countsLag: { ms: 2000 } });
  await view(gateway, 'anna', 'bert');
  await follow(gateway, 'anna', ['bert']);
  await view(gateway, 'anna', 'bert');
  clock.advance(31_000);
  await expect.poll(() => view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
});

test('a follow of one user with its payload costs three upstream calls, with nothing in the cache', async () => {
  const gateway = await openWorld();
  const operation = readFileSync(new URL('../../schema/operations/11-follow-users.graphql', import.meta.url), 'utf8');
  const { followUsers } = await gateway
    .as('anna')
    .data<{ followUsers: unknown }>(operation, { input: { userIds: ['bert'] } });
  expect(followUsers).toMatchObject({
    results: [{ user: { viewerIsFollowing: true, viewerCanFollow: false, fansCount: 1 } }],
    viewer: { followsCount: 1 },
  });
  expect(callCounts(gateway)).toEqual({ follow_check: 1, follow_add: 1, follow_get_info: 1 });
});

test('45 targets are three follow_add', async () => {
  const people = ['anna', ...Array.from({ length: 45 }, (_, i) => `friend_${i}`)];
  const gateway = await openWorld({ people });
  const results = await follow(gateway, 'anna', people.slice(1));
  expect(short(results)).toEqual(people.slice(1).map((id) => ['Changed', id]));
  expect(received(gateway, 'follow_add')).toBe(3);
  const page = await gateway
    .as('anna')
    .data<{ viewer: { follows: { nodes: unknown[]; totalCount: number } } }>(
      '{ viewer { follows(first: 100) { totalCount nodes { id viewerIsFollowing } } } }',
    );
  expect(page.viewer.follows).toEqual({
    totalCount: 45,
    nodes: expect.arrayContaining([{ id: 'friend_44', viewerIsFollowing: true }]),
  });
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
  gateway.sandbox.faults.set({ itemFailure: { ids: ['cleo'], code, commands: ['follow_add'] } });
  expect(short(await follow(gateway, 'anna', ['bert', 'cleo', 'dora']))).toEqual([
    ['Changed', 'bert'],
    ['Failure', 'cleo', reason],
    ['Changed', 'dora'],
  ]);
});

test('oneself, unknown and malformed ids and duplicates are answered each in its place', async () => {
  const gateway = await openWorld();
  const ids = ['bert', 'anna', 'nobody', 'no body', 'bert', '', 'cleo'];
  expect(short(await follow(gateway, 'anna', ids))).toEqual([
    ['Changed', 'bert'],
    ['Failure', 'anna', 'YOURSELF'],
    ['Failure', 'nobody', 'USER_NOT_FOUND'],
    ['Failure', 'no body', 'INVALID_ID'],
    ['Changed', 'bert'],
    ['Failure', '', 'INVALID_ID'],
    ['Changed', 'cleo'],
  ]);
  const { follows } = gateway.sandbox.world.counts('anna');
  expect(follows).toBe(2);
});

test('a change of oneself alone, or of nonsense alone, asks the upstream nothing', async () => {
  const gateway = await openWorld();
  expect(short(await follow(gateway, 'anna', ['anna', 'no body']))).toEqual([
    ['Failure', 'anna', 'YOURSELF'],
    ['Failure', 'no body', 'INVALID_ID'],
  ]);
  expect(gateway.sandbox.calls.summary()).toEqual({});
});

test.each([
  ['no target', []],
  ['more targets than one mutation takes', ['bert', 'cleo', 'dora', 'emil']],
])('%s is refused whole, and nothing is changed', async (_what, ids) => {
  const gateway = await openWorld({ config: { maxTargets: 3 } });
  const { data, errors } = await gateway.as('anna').query(mutationOf('follow'), { ids });
  expect(data).toEqual({ done: null });
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  expect(gateway.sandbox.calls.summary()).toEqual({});
});

test('a follow or an unfollow without a viewer is refused', async () => {
  const gateway = await openWorld();
  for (const kind of ['follow', 'unfollow'] as const) {
    const { data, errors } = await gateway.query(mutationOf(kind), { ids: ['bert'] });
    expect([data, errors?.[0]?.extensions.code]).toEqual([{ done: null }, 'UNAUTHENTICATED']);
  }
  expect(gateway.sandbox.calls.summary()).toEqual({});
});

test('a viewer whom the app does not know is told so, not that their targets are unknown', async () => {
  const gateway = await openWorld();
  expect(short(await follow(gateway, 'stranger', ['bert']))).toEqual([['Failure', 'bert', 'REFUSED']]);
});

describe('an answer that is lost', () => {
  const CASES = ['answerLost', 'reset', 'silence', 'truncatedJson'] as const;

  test.each(CASES.flatMap((fault) => [['follow', fault] as const, ['unfollow', fault] as const]))(
    'after a %s (%s) ends in the truth',
    async (kind, fault) => {
      const clock = createRunningClock();
      const gateway = await openWorld({ clock, env: { UPSTREAM_TIMEOUT_MS: '300' } });
      const { world, faults } = gateway.sandbox;
      if (kind === 'unfollow') world.follow('anna', 'bert');
      await view(gateway, 'anna', 'bert');
      const command = kind === 'follow' ? 'follow_add' : 'follow_delete';
      faults.set({ [fault]: { commands: [command], times: 1 } });
      expect(short(await change(gateway, kind, 'anna', ['bert', 'cleo']))).toEqual([
        ['Changed', 'bert'],
        [kind === 'follow' ? 'Changed' : 'Unchanged', 'cleo'],
      ]);
      expect(await view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
      expect(world.followTime('anna', 'bert') !== undefined).toBe(kind === 'follow');
      // A change that was done is not done again; one that was not is sent once more, after a look.
      const isDone = fault === 'answerLost' || fault === 'truncatedJson';
      expect(received(gateway, command)).toBe(isDone ? 1 : 2);
    },
  );

  test.each(['follow', 'unfollow'] as const)(
    'is not believed done because a lagging upstream still shows what was before the opposite: %s',
    async (kind) => {
      const gateway = await openWorld({ clock: createHastyClock(1000) });
      const { world, faults } = gateway.sandbox;
      const opposite = kind === 'follow' ? 'unfollow' : 'follow';
      if (kind === 'follow') world.follow('anna', 'bert', 1_700_000_000);
      faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
      expect(short(await change(gateway, opposite, 'anna', ['bert']))).toEqual([['Changed', 'bert']]);
      faults.set({ reset: { commands: [kind === 'follow' ? 'follow_add' : 'follow_delete'], times: 1 } });
      expect(short(await change(gateway, kind, 'anna', ['bert']))).toEqual([['Changed', 'bert']]);
      expect(world.followTime('anna', 'bert') !== undefined).toBe(kind === 'follow');
    },
  );

  test('and cannot be found again is called unknown, and read again', async () => {
    const gateway = await openWorld();
    const { faults, world } = gateway.sandbox;
    await view(gateway, 'anna', 'bert');
    faults.set({ answerLost: { commands: ['follow_add'] }, error: { code: 30006, commands: ['follow_check'] } });
    expect(short(await follow(gateway, 'anna', ['bert']))).toEqual([['Failure', 'bert', 'UNKNOWN_OUTCOME']]);
    faults.reset();
    expect(world.followTime('anna', 'bert')).toBeDefined();
    expect(await view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
  });

  test('is not looked for when nothing can have been done', async () => {
    const gateway = await openWorld();
    gateway.sandbox.faults.set({ error: { code: 60010, commands: ['follow_add'] } });
    expect(short(await follow(gateway, 'anna', ['bert']))).toEqual([['Failure', 'bert', 'UNAVAILABLE']]);
    // One look before it, for what was.
    expect(gateway.sandbox.calls.summary().follow_check?.received).toBe(1);
  });
});

test('a change whose client goes away is finished, and the process waits for it', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  const { world, faults, calls } = gateway.sandbox;
  faults.set({ latency: { ms: 150, commands: ['follow_add'] } });
  const leaving = new AbortController();
  const asked = fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-viewer-id': 'anna' },
    body: JSON.stringify({ query: mutationOf('follow'), variables: { ids: ['bert'] } }),
    signal: leaving.signal,
  });
  await expect.poll(() => calls.summary().follow_add?.received).toBe(1);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await gateway.instance.close();
  expect(world.followTime('anna', 'bert')).toBeDefined();
});

test('changes that one viewer asks for at the same time are done in that order', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  gateway.sandbox.faults.set({ latency: { ms: 80, commands: ['follow_add'] } });
  const first = follow(gateway, 'anna', ['bert']);
  await expect.poll(() => received(gateway, 'follow_add')).toBe(1);
  const second = unfollow(gateway, 'anna', ['bert']);
  expect([short(await first), short(await second)]).toEqual([[['Changed', 'bert']], [['Changed', 'bert']]]);
  expect(gateway.sandbox.world.followTime('anna', 'bert')).toBeUndefined();
  expect(await view(gateway, 'anna', 'bert')).toEqual(truth(gateway, 'anna', 'bert'));
});

test('a change that waits behind another of the same viewer until its deadline is not begun, and says so', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), env: { REQUEST_DEADLINE_MS: '3000' } });
  gateway.sandbox.faults.set({ latency: { ms: 2000, commands: ['follow_add'] } });
  const changes = ['bert', 'cleo', 'dora'].map((id) => follow(gateway, 'anna', [id]));
  const [first, , third] = await Promise.all(changes);
  expect(short(first ?? [])).toEqual([['Changed', 'bert']]);
  expect(short(third ?? [])).toEqual([['Failure', 'dora', 'UNAVAILABLE']]);
  expect(gateway.sandbox.world.followTime('anna', 'dora')).toBeUndefined();
});

test('each of two mutations in one operation answers with the users as they are then', async () => {
  const gateway = await openWorld();
  const state = `results { ... on FollowChanged { user { id viewerIsFollowing fansCount } } } viewer { followsCount }`;
  const data = await gateway.as('anna').data(
    `mutation {
      first: followUsers(input: { userIds: ["bert"] }) { ${state} }
      second: unfollowUsers(input: { userIds: ["bert"] }) { ${state} }
    }`,
  );
  expect(data).toEqual({
    first: { results: [{ user: { id: 'bert', viewerIsFollowing: true, fansCount: 1 } }], viewer: { followsCount: 1 } },
    second: {
      results: [{ user: { id: 'bert', viewerIsFollowing: false, fansCount: 0 } }],
      viewer: { followsCount: 0 },
    },
  });
});

test('after WRITE_LAG_SECONDS the upstream is believed again', async () => {
  const clock = createHastyClock();
  const gateway = await openWorld({ clock, env: { WRITE_LAG_SECONDS: '30' } });
  await follow(gateway, 'anna', ['bert']);
  // It is undone elsewhere, without a webhook.
  gateway.sandbox.world.unfollow('anna', 'bert');
  const ask = () => gateway.as('anna').data('{ user(id: "bert") { viewerIsFollowing fansCount } }');
  expect(await ask()).toMatchObject({ user: { viewerIsFollowing: true } });
  clock.advance(31_000);
  await ask();
  await expect.poll(ask).toEqual({ user: { viewerIsFollowing: false, fansCount: 0 } });
});
