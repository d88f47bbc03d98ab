// Of what webhooks claim, subscribers are told what is so now and was not so before: whoever has seen one signature can
// have anything claimed within its minute (contract 7.3).
import { describe, expect, test } from 'vitest';
import { createHastyClock, createRunningClock, type TestClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import type { Replica } from '../support/house.ts';
import { startRedis } from '../support/redis.ts';
import { ADD, DELETE, follows, openTold, tell, unfollows } from './told-house.ts';

const LONG_AGO = Date.UTC(2020, 0, 1) / 1000;
const EVENTS = `subscription {
  followEvents(userId: "star") { __typename ... on FanGained { user { id } } ... on FanLost { user { id } } }
}`;
type Events = { data: { followEvents: { __typename: string; user: { id: string } } } };

async function openStar(clock: TestClock = createHastyClock(), env: Record<string, string> = {}) {
  const house = await openTold({ clock, env: { AUTH: 'development', ...env } });
  const { world, act, calls } = house.sandbox;
  for (const id of ['star', 'ana', 'bo', 'cy', 'marker']) world.importAccount(id);
  world.follow('ana', 'star', LONG_AGO);

  /** What a subscriber at `replica` is told, up to a change that happens when it is asked for. */
  async function watch(replica: Replica = house) {
    const stream = await subscribe(replica, EVENTS);
    return async () => {
      act.follow('marker', 'star');
      const told: string[] = [];
      for (;;) {
        const { __typename: type, user } = (await stream.answer<Events>()).data.followEvents;
        if (user.id === 'marker') return told;
        told.push(`${type} ${user.id}`);
      }
    };
  }

  return {
    house,
    clock,
    watch,
    ...house.sandbox,
    checks: () => calls.count('follow_check'),
    pages: (id: string) => calls.recent('follow_get').filter(({ body }) => JSON.stringify(body).includes(`"${id}"`)),
    forge: (command: string, body: object) => tell(house, command, body, { at: clock.now() }),
  };
}

/** Turns the clock until something has happened, in steps too short for any answer to come too late. */
const timePasses = (clock: TestClock, isSo: () => boolean) =>
  expect
    .poll(
      () => {
        if (!isSo()) clock.advance(500);
        return isSo();
      },
      { timeout: 20_000 },
    )
    .toBe(true);

async function read(replica: Replica) {
  const { user } = await replica.data<{ user: { fansCount: number; fans: { nodes: { id: string }[] } } }>(
    `{ user(id: "star") { fansCount fans { nodes { id } } } }`,
  );
  return { count: user.fansCount, fans: user.fans.nodes.map(({ id }) => id).sort() };
}

const viewerFollows = (replica: Replica, viewer: string) =>
  replica.as(viewer).data('{ user(id: "star") { viewerIsFollowing } }');

describe('a follow that is claimed anew under a signature that was seen', () => {
  test.each([
    ['that may lag is read three times', '30', 3],
    ['that never lags is read once', '0', 1],
  ])('is told to nobody; a list %s', async (_what, lag, reads) => {
    const { house, clock, watch, checks, pages, forge } = await openStar(undefined, { WRITE_LAG_SECONDS: lag });
    const told = await watch();
    await forge(ADD, follows('ana', ['star'], clock.now()));
    await timePasses(clock, () => pages('ana').length === reads);
    expect(checks()).toBe(reads);
    expect(await told()).toEqual([]);
    expect(pages('ana')).toHaveLength(reads);
    expect(await read(house)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test('is told to nobody when it names a time of its own', async () => {
    const { house, clock, watch, pages, forge } = await openStar(undefined, { WRITE_LAG_SECONDS: '0' });
    const told = await watch();
    for (const at of [clock.now() - 3_600_000, clock.now() + 60_000, undefined, LONG_AGO * 1000])
      await forge(ADD, follows('ana', ['star'], at));
    await expect.poll(() => pages('ana').length).toBeGreaterThan(0);
    expect(await told()).toEqual([]);
    expect(await read(house)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test('beside one that is real takes nothing from it', async () => {
    const { house, clock, world, watch, forge } = await openStar(undefined, { WRITE_LAG_SECONDS: '0' });
    world.follow('bo', 'cy', LONG_AGO);
    const told = await watch();
    world.follow('bo', 'star');
    await forge(ADD, follows('bo', ['cy', 'star'], clock.now()));
    // Told in the order in which they are found out.
    await expect.poll(() => read(house)).toMatchObject({ fans: ['ana', 'bo'] });
    const cys = await subscribe(house, EVENTS.replace('star', 'cy'));
    expect(await told()).toEqual(['FanGained bo']);
    world.follow('ana', 'cy');
    await forge(ADD, follows('ana', ['cy'], clock.now()));
    expect(await cys.answer()).toMatchObject({ data: { followEvents: { user: { id: 'ana' } } } });
  });
});

describe('an unfollow that is claimed under a signature that was seen', () => {
  test.each([
    ['whose fans nobody has read', async () => {}],
    ['whose fans are remembered', async (house: Replica) => void (await read(house))],
    ['to whom the relation is remembered', async (house: Replica) => void (await viewerFollows(house, 'bo'))],
  ])('of somebody who never was a fan of a user %s is told to nobody', async (_whose, prepare) => {
    const { house, clock, watch, checks, forge } = await openStar();
    await prepare(house);
    const before = checks();
    const told = await watch();
    await forge(DELETE, unfollows('bo', ['star'], clock.now()));
    await expect.poll(checks).toBe(before + 1);
    clock.advance(5000);
    expect(await told()).toEqual([]);
    expect(await read(house)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test('of a fan who was told to have left, is told to nobody', async () => {
    const { house, clock, act, watch, checks, forge } = await openStar();
    await read(house);
    const first = await watch();
    act.unfollow('ana', 'star');
    expect(await first()).toEqual(['FanLost ana']);
    clock.advance(600_000);
    await expect.poll(() => read(house)).toEqual({ count: 1, fans: ['marker'] });
    act.unfollow('marker', 'star');
    await expect.poll(() => read(house)).toEqual({ count: 0, fans: [] });
    const second = await watch();
    const before = checks();
    await forge(DELETE, unfollows('ana', ['star'], clock.now()));
    await expect.poll(checks).toBe(before + 1);
    expect(await second()).toEqual([]);
  });

  test('of a fan who has left, is told once, however many times it names at once', async () => {
    const { house, clock, world, watch, forge } = await openStar();
    await read(house);
    const told = await watch();
    world.unfollow('ana', 'star');
    const hoursAgo = [0, 1, 2, 3].map((hours) => clock.now() - hours * 3_600_000);
    await Promise.all(hoursAgo.map((at) => forge(DELETE, unfollows('ana', ['star'], at))));
    await expect.poll(() => read(house)).toEqual({ count: 0, fans: [] });
    expect(await told()).toEqual(['FanLost ana']);
  });

  test('of a fan who left by way of the gateway, is told to nobody', async () => {
    const { house, clock, act, watch, checks, forge } = await openStar();
    await read(house);
    const gains = await subscribe(house, EVENTS);
    act.follow('bo', 'star');
    await gains.answer();
    await change(house, 'unfollow', 'ana');
    clock.advance(600_000);
    const told = await watch();
    const before = checks();
    await forge(DELETE, unfollows('ana', ['star'], clock.now()));
    await expect.poll(checks).toBe(before + 1);
    expect(await told()).toEqual([]);
    await expect.poll(() => read(house)).toEqual({ count: 2, fans: ['bo', 'marker'] });
  });

  test('of a fan who was told to have left, is told to nobody even if a list has shown the fan since', async () => {
    const { house, clock, faults, act, watch, checks, forge } = await openStar();
    await read(house);
    const losses = await subscribe(house, EVENTS);
    faults.set({ listsLag: { ms: 20_000, commands: ['follow_get'] } });
    act.unfollow('ana', 'star');
    expect(await losses.answer()).toMatchObject({ data: { followEvents: { user: { id: 'ana' } } } });
    // What the upstream shows of the list now has the fan in it, and a hint makes that forgotten.
    expect(await read(house)).toMatchObject({ fans: [] });
    const looks = checks();
    await forge(ADD, follows('cy', ['star'], clock.now()));
    await timePasses(clock, () => checks() === looks + 3);
    faults.reset();
    clock.advance(600_000);
    const told = await watch();
    const before = checks();
    await forge(DELETE, unfollows('ana', ['star'], clock.now()));
    await expect.poll(checks).toBe(before + 1);
    expect(await told()).toEqual([]);
  });
});

/** Has somebody follow, or no longer follow, the star by way of the gateway. */
const change = (replica: Replica, kind: 'follow' | 'unfollow', viewer: string) =>
  replica.as(viewer).data(`mutation { ${kind}Users(input: { userIds: ["star"] }) { results { __typename } } }`);

describe('a real change is told to a subscriber at another replica', () => {
  async function openTwo() {
    const { url } = await startRedis();
    const { house, ...rest } = await openStar(createRunningClock(), { REDIS_URL: url, REDIS_TIMEOUT_MS: '5000' });
    return { house, other: await house.openReplica(), ...rest };
  }

  test('a follow, and the unfollow after it', async () => {
    const { house, other, act, watch } = await openTwo();
    const told = await watch(other);
    const both = await subscribe(other, EVENTS);
    act.follow('bo', 'star');
    expect(await both.answer()).toMatchObject({ data: { followEvents: { __typename: 'FanGained' } } });
    act.unfollow('bo', 'star');
    expect(await both.answer()).toMatchObject({ data: { followEvents: { __typename: 'FanLost' } } });
    expect(await told()).toEqual(['FanGained bo', 'FanLost bo']);
    for (const replica of [house, other]) expect(await read(replica)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test.each<[string, (house: Replica, other: Replica, clock: TestClock) => Promise<unknown>]>([
    ['is in a page that was read here', (house) => read(house)],
    ['is in a page that another replica read', (_house, other) => read(other)],
    [
      'is in a page that has grown stale',
      async (house, _other, clock) => {
        await read(house);
        clock.advance(60_000);
      },
    ],
    [
      'is in a page that another replica read, stale by now',
      async (_house, other, clock) => {
        await read(other);
        clock.advance(60_000);
      },
    ],
    ['has a relation that was read here', (house) => viewerFollows(house, 'ana')],
    ['has a relation that another replica read', (_house, other) => viewerFollows(other, 'ana')],
    ['is among the follows that were read', (house) => house.data('{ user(id: "ana") { follows { nodes { id } } } }')],
  ])('the unfollow of an old fan who %s', async (_how, remember) => {
    const { house, other, act, clock, watch } = await openTwo();
    await remember(house, other, clock);
    const told = await watch(other);
    act.unfollow('ana', 'star');
    await expect.poll(() => read(house)).toEqual({ count: 0, fans: [] });
    expect(await told()).toEqual(['FanLost ana']);
    for (const replica of [house, other]) expect(await read(replica)).toEqual({ count: 1, fans: ['marker'] });
  });

  test('the unfollow of a fan who came by way of the gateway', async () => {
    const { house, other, act, watch, webhooks } = await openTwo();
    const told = await watch(other);
    await change(other, 'follow', 'bo');
    await webhooks.settled();
    act.unfollow('bo', 'star');
    expect(await told()).toEqual(['FanGained bo', 'FanLost bo']);
    for (const replica of [house, other]) expect(await read(replica)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test.each(['house', 'other'] as const)('the unfollow of a fan far down in a list that was read: %s', async (who) => {
    const { act, world, watch, ...replicas } = await openTwo();
    world.addFans('star', 150);
    for (let page = 0, after = ''; page < 2; page++) after = await readPage(replicas[who], after);
    const told = await watch(replicas.other);
    act.unfollow('crowd_000001', 'star');
    expect(await told()).toEqual(['FanLost crowd_000001']);
    await expect.poll(async () => (await read(replicas.house)).count).toBe(151);
  });
});

async function readPage(replica: Replica, after: string): Promise<string> {
  const { user } = await replica.data<{ user: { fans: { pageInfo: { endCursor: string } } } }>(
    'query($after: String) { user(id: "star") { fans(first: 100, after: $after) { pageInfo { endCursor } } } }',
    { after: after || null },
  );
  return user.fans.pageInfo.endCursor;
}

test('fans who leave one after the other are all told, although the first has the list forgotten', async () => {
  const { house, world, act, webhooks, watch } = await openStar();
  for (const id of ['bo', 'cy']) world.follow(id, 'star', LONG_AGO);
  await read(house);
  const told = await watch();
  for (const id of ['ana', 'bo', 'cy']) {
    act.unfollow(id, 'star');
    await webhooks.settled();
  }
  expect((await told()).sort()).toEqual(['FanLost ana', 'FanLost bo', 'FanLost cy']);
  expect(await read(house)).toEqual({ count: 1, fans: ['marker'] });
});

test.each([
  ['lists and checks', undefined],
  ['lists alone', ['follow_get' as const]],
])('a follow that shows late in %s is told once', async (_where, commands) => {
  const { house, clock, faults, act, checks, webhooks, watch } = await openStar();
  const told = await watch();
  const gains = await subscribe(house, EVENTS);
  faults.set({ listsLag: { ms: 4000, commands } });
  act.follow('bo', 'star');
  await webhooks.settled();
  await expect.poll(checks).toBe(2);
  let isTold = false;
  void gains.answer().then(() => {
    isTold = true;
  });
  await timePasses(clock, () => isTold);
  faults.reset();
  expect(await told()).toEqual(['FanGained bo']);
  clock.advance(30_000);
  await expect.poll(() => read(house)).toEqual({ count: 3, fans: ['ana', 'bo', 'marker'] });
});

test('a list that cannot be read is read again, and the follow is told then', async () => {
  const { clock, faults, act, pages, webhooks, watch } = await openStar(undefined, { WRITE_LAG_SECONDS: '0' });
  const told = await watch();
  faults.set({ error: { code: 60008, commands: ['follow_get'] } });
  act.follow('bo', 'star');
  await webhooks.settled();
  await expect.poll(() => pages('bo').length).toBeGreaterThan(0);
  faults.reset();
  await timePasses(clock, () => pages('bo').at(-1)?.outcome === 0);
  expect(await told()).toEqual(['FanGained bo']);
});
