// Subscribers are told the claims of webhooks that the upstream confirms, by one check and no read of a list.
import { describe, expect, test } from 'vitest';
import { change, expectTruth, openTwo, openWorld, type World } from '../graph/world.ts';
import { createHastyClock, type TestClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import type { Replica } from '../support/gateway.ts';
import { operatorOf } from '../support/redis.ts';
import { ADD, DELETE, follows, PATH, TOKEN, tell, unfollows } from './webhook-gateway.ts';

const LONG_AGO = Date.UTC(2020, 0, 1) / 1000;
const EVENTS = `subscription {
  followEvents(userId: "star") { __typename ... on FanGained { user { id } } ... on FanLost { user { id } } }
}`;
type Event = { __typename: string; user: { id: string } };

const PEOPLE = ['star', 'ana', 'bo', 'cy', 'marker'];

const OPTIONS = { people: PEOPLE, hasWebhooks: true };
const openStar = async () => watched(await openWorld({ ...OPTIONS, clock: createHastyClock() }));

function watched(gateway: World) {
  const { clock, world } = gateway;
  const { act, calls } = gateway.sandbox;
  world.follow('ana', 'star', LONG_AGO);

  /** What a subscriber at `replica` is told, up to a change that happens when it is asked for. */
  async function watch(replica: Replica = gateway) {
    const stream = await subscribe(replica, EVENTS);
    return async () => {
      act.follow('marker', 'star');
      const told: string[] = [];
      for (;;) {
        const [event] = (await stream.events<Event>(1)) as [Event];
        if (event.user.id === 'marker') return told;
        told.push(`${event.__typename} ${event.user.id}`);
      }
    };
  }

  return {
    ...gateway,
    gateway,
    watch,
    ...gateway.sandbox,
    checks: () => calls.count('follow_check'),
    lists: () => calls.count('follow_get'),
    claim: (command: string, body: object, replica: Replica = gateway) =>
      tell(replica, command, body, { at: clock.now() }),
  };
}

/** Turns the clock until something has happened, in steps too short for any answer to come too late. */
async function timePasses(clock: TestClock, isSo: () => boolean) {
  const isSoByNow = () => {
    if (!isSo()) clock.advance(500);
    return isSo();
  };
  await expect.poll(isSoByNow, { timeout: 20_000 }).toBe(true);
}

async function read(replica: Replica) {
  const { user } = await replica.data<{ user: { fansCount: number; fans: { nodes: { id: string }[] } } }>(
    `{ user(id: "star") { fansCount fans { nodes { id } } } }`,
  );
  return { count: user.fansCount, fans: user.fans.nodes.map(({ id }) => id).sort() };
}

test('a follow and an unfollow of somebody whom no client has read are told after one check each', async () => {
  const { act, watch, checks, lists, webhooks } = await openStar();
  const told = await watch();
  act.follow('bo', 'star');
  await webhooks.settled();
  await expect.poll(checks).toBe(1);
  act.unfollow('ana', 'star');
  await expect.poll(checks).toBe(2);
  expect(await told()).toEqual(['FanGained bo', 'FanLost ana']);
  expect(lists()).toBe(0);
});

test('two who follow each other by now are told to be mutuals', async () => {
  const { gateway, world, act } = await openStar();
  world.follow('star', 'bo');
  const stream = await subscribe(gateway, EVENTS);
  act.follow('bo', 'star');
  expect(await stream.events(2)).toMatchObject([{ __typename: 'FanGained' }, { __typename: 'MutualGained' }]);
});

test('45 fans who come together share checks, and all are told', async () => {
  const { gateway, world, act, faults, checks } = await openStar();
  const fans = Array.from({ length: 45 }, (_, i) => `fan_${i}`);
  for (const id of fans) world.importAccount(id);
  const stream = await subscribe(gateway, EVENTS);
  // Longer than it takes all webhooks to arrive.
  faults.set({ latency: { ms: 500, commands: ['follow_check'] } });
  for (const id of fans) act.follow(id, 'star');
  const told = await stream.events<Event>(45);
  expect(new Set(told.map(({ user }) => user.id))).toEqual(new Set(fans));
  expect(checks()).toBeLessThanOrEqual(15);
});

test('a webhook about a user with a stale list renews nothing', async () => {
  const { gateway, clock, act, webhooks, watch, lists } = await openStar();
  await read(gateway);
  await gateway.data('{ user(id: "ana") { follows { nodes { id } } } }');
  clock.advance(60_000);
  const before = lists();
  const told = await watch();
  act.unfollow('ana', 'star');
  await webhooks.settled();
  expect(await told()).toEqual(['FanLost ana']);
  expect(lists()).toBe(before);
});

describe('a change that the upstream does not confirm', () => {
  test('after four checks is told to no subscriber', async () => {
    const { gateway, clock, watch, checks, claim } = await openStar();
    const told = await watch();
    await claim(ADD, follows('bo', ['star'], clock.now()));
    await claim(DELETE, unfollows('ana', ['star'], clock.now()));
    await timePasses(clock, () => checks() === 8);
    expect(await told()).toEqual([]);
    expect(await read(gateway)).toEqual({ count: 2, fans: ['ana', 'marker'] });
  });

  test('at once but seconds later is told then, and values read meanwhile are invalidated', async () => {
    const { gateway, clock, faults, act, webhooks, checks } = await openStar();
    const stream = await subscribe(gateway, EVENTS);
    faults.set({ listsLag: { ms: 4000 }, countsLag: { ms: 4000 } });
    act.follow('bo', 'star');
    await webhooks.settled();
    await expect.poll(checks).toBe(2);
    expect(await read(gateway)).toEqual({ count: 1, fans: ['ana'] });
    clock.advance(5000);
    expect(await stream.events(1)).toMatchObject([{ user: { id: 'bo' } }]);
    expect(await read(gateway)).toEqual({ count: 2, fans: ['ana', 'bo'] });
  });

  test('because it is down for 20 s is told when it is back', async () => {
    const { gateway, clock, faults, act, webhooks, checks } = await openStar();
    const stream = await subscribe(gateway, EVENTS);
    faults.set({ error: { code: 60008, commands: ['follow_check'] } });
    act.follow('bo', 'star');
    await webhooks.settled();
    await expect.poll(checks).toBeGreaterThan(0);
    const downUntil = clock.now() + 20_000;
    await timePasses(clock, () => clock.now() >= downUntil);
    faults.reset();
    const told = stream.answer();
    let isTold = false;
    void told.then(() => (isTold = true));
    await timePasses(clock, () => isTold);
  });

  test('since there is no such account costs one check', async () => {
    const { clock, checks, claim, watch } = await openStar();
    const told = await watch();
    await claim(ADD, follows('ana', ['nobody'], clock.now()));
    await expect.poll(checks).toBe(1);
    const until = clock.now() + 10_000;
    await timePasses(clock, () => clock.now() >= until);
    expect(await told()).toEqual([]);
    expect(checks()).toBe(2);
  });
});

test('webhooks that come late and in any order end in the truth', async () => {
  const { gateway, clock, world, watch, claim, checks } = await openStar();
  const at = clock.now();
  const told = await watch();
  world.follow('cy', 'star');
  await claim(DELETE, unfollows('bo', ['star'], at + 2));
  await claim(ADD, follows('cy', ['star'], at + 3));
  await claim(ADD, follows('bo', ['star'], at + 1));
  await timePasses(clock, () => checks() >= 5);
  expect((await told()).sort()).toEqual(['FanGained cy', 'FanLost bo']);
  expect(await read(gateway)).toEqual({ count: 3, fans: ['ana', 'cy', 'marker'] });
});

test('the same webhook again, soon or late, in whichever order it names its targets, is told once', async () => {
  const { clock, world, claim, checks, watch } = await openStar();
  const told = await watch();
  for (const id of ['star', 'cy']) world.follow('bo', id);
  const at = clock.now();
  await claim(ADD, follows('bo', ['star', 'cy'], at));
  await expect.poll(checks).toBe(1);
  await claim(ADD, follows('bo', ['star', 'cy'], at));
  await expect.poll(checks).toBe(2);
  clock.advance(599_000);
  await claim(ADD, follows('bo', ['cy', 'star'], at));
  await expect.poll(checks).toBe(3);
  expect(await told()).toEqual(['FanGained bo']);
});

test('a follow that is told again after an unfollow and another follow is no news', async () => {
  const { clock, world, claim, checks, watch } = await openStar();
  const told = await watch();
  const now = clock.now();
  const claims = [
    [ADD, now - 140_000],
    [DELETE, now - 70_000],
    [ADD, now],
    [ADD, now - 140_000],
  ] as const;
  for (const [n, [command, at]] of claims.entries()) {
    if (command === ADD) world.follow('bo', 'star');
    else world.unfollow('bo', 'star');
    await claim(command, command === ADD ? follows('bo', ['star'], at) : unfollows('bo', ['star'], at));
    await expect.poll(checks).toBe(n + 1);
  }
  expect(await told()).toEqual(['FanGained bo', 'FanLost bo', 'FanGained bo']);
});

test('an own follow that a webhook tells again, by a clock that is ahead, stays where the upstream lags', async () => {
  const { gateway, clock, faults, claim, watch, webhooks } = await openStar();
  const told = await watch();
  faults.set({ listsLag: { ms: 20_000, commands: ['follow_get'] } });
  await change(gateway, 'followUsers', 'bo', ['star']);
  await webhooks.settled();
  await claim(ADD, follows('bo', ['star'], clock.now() + 1000));
  expect(await told()).toEqual(['FanGained bo']);
  const { viewer } = await gateway.as('bo').data<{ viewer: unknown }>('{ viewer { follows { nodes { id } } } }');
  expect(viewer).toEqual({ follows: { nodes: [{ id: 'star' }] } });
});

describe('on two replicas', () => {
  const open = async () => {
    const { gateway, ...rest } = await openTwo(OPTIONS);
    return { ...rest, ...watched(gateway) };
  };

  test('a new name shows on another one: in the event, in the profile, and in lists that were read before', async () => {
    const { other, act } = await open();
    const names = '{ user(id: "ana") { nick } star: user(id: "star") { fans { nodes { nick } } } }';
    expect(await other.data(names)).toEqual({ user: { nick: null }, star: { fans: { nodes: [{ nick: null }] } } });
    const changes = await subscribe(
      other,
      'subscription { profileChanged(userIds: ["ana"]) { ... on ProfileChanged { user { nick } } } }',
    );
    for (const nick of ['Ana', 'Anna']) {
      act.setProfile('ana', { Tag_Profile_IM_Nick: nick });
      expect(await changes.events(1)).toEqual([{ user: { nick } }]);
      expect(await other.data(names)).toEqual({ user: { nick }, star: { fans: { nodes: [{ nick }] } } });
    }
  });

  test('a change that is told to both is told once to the subscribers of each', async () => {
    const { gateway, other, clock, world, watch, claim, webhooks } = await open();
    const [first, second] = [await watch(gateway), await watch(other)];
    webhooks.connect(undefined);
    world.follow('bo', 'star');
    const body = follows('bo', ['star'], clock.now());
    await Promise.all([claim(ADD, body, gateway), claim(ADD, body, other)]);
    await expect.poll(() => read(other)).toMatchObject({ fans: ['ana', 'bo'] });
    webhooks.connect({ url: `${gateway.url}${PATH}`, token: TOKEN });
    expect(await first()).toEqual(['FanGained bo']);
    world.unfollow('marker', 'star');
    expect((await second()).filter((event) => event !== 'FanGained marker')).toEqual(['FanGained bo']);
  });

  test.each<[string, Parameters<World['faults']['set']>[0], checks: number]>([
    ['', { latency: { ms: 300, commands: ['follow_check'] } }, 1],
    [', also what the upstream has not confirmed yet,', { error: { code: 60008, commands: ['follow_check'] } }, 3],
  ])('what one has taken before it stops%s is told to the subscribers of the other', async (_also, fault, tries) => {
    const { gateway, other, clock, world, faults, checks, claim, webhooks } = await open();
    const stream = await subscribe(gateway, EVENTS);
    webhooks.connect(undefined);
    faults.set(fault);
    world.follow('bo', 'star');
    await claim(ADD, follows('bo', ['star'], clock.now()), other);
    await expect.poll(checks).toBe(tries);
    faults.reset();
    await other.instance.close();
    expect(await stream.events(1)).toMatchObject([{ __typename: 'FanGained', user: { id: 'bo' } }]);
  });

  test('any read on any replica that starts when subscribers have heard of a change is true', async () => {
    const { gateway, other, act } = await open();
    const look = () => expectTruth(gateway, ['ana star'], { replicas: [gateway, other] });
    await look();
    const stream = await subscribe(other, EVENTS);
    for (let n = 0; n < 10; n++) {
      if (n % 2 === 0) act.unfollow('ana', 'star');
      else act.follow('ana', 'star');
      expect(await stream.events(1)).toMatchObject([{ __typename: n % 2 === 0 ? 'FanLost' : 'FanGained' }]);
      await look();
    }
  });

  test('a webhook costs Redis a handful of commands', async () => {
    const { gateway, act, webhooks, redis, watch } = await open();
    const admin = operatorOf(redis.url);
    const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
    await read(gateway);
    const told = await watch();
    const before = await commands();
    act.unfollow('ana', 'star');
    await webhooks.settled();
    expect(await told()).toEqual(['FanLost ana']);
    // Those of the marker, and of reads that wait, included.
    expect((await commands()) - before).toBeLessThan(120);
  });

  test('with Redis away, subscribers of the replica that is told hear of it all the same', async () => {
    const { gateway, redis, act } = await open();
    const stream = await subscribe(gateway, EVENTS);
    await redis.kill();
    act.follow('bo', 'star');
    expect(await stream.events(1)).toMatchObject([{ user: { id: 'bo' } }]);
  });
});
