// Changes by the gateway and by people's own apps, on two replicas, one after the other and at once: every client reads
// the truth, and every subscriber is told once.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import type { Replica, TestGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openPeople } from './people.ts';

const HOOKS = { WEBHOOK_TOKEN: 'token of the test', WEBHOOK_PATH: '/hooks' };
const PEOPLE = ['star', 'anna', 'bert', 'cleo'];
type Kind = 'follow' | 'unfollow';

async function openTwo(env: Record<string, string> = {}) {
  const { url: REDIS_URL } = await startRedis();
  // A machine that is busy must not be taken for a Redis that is away.
  const gateway = await openPeople({ ...HOOKS, REDIS_URL, REDIS_TIMEOUT_MS: '5000', ...env }, createRunningClock());
  const other = await gateway.openReplica();
  gateway.sandbox.webhooks.connect({ url: `${gateway.url}/hooks`, token: HOOKS.WEBHOOK_TOKEN });
  return { gateway, other };
}

async function change(replica: Replica, kind: Kind, viewer: string, target: string): Promise<string> {
  const { done } = await replica
    .as(viewer)
    .data<{ done: { results: { __typename: string }[] } }>(
      `mutation { done: ${kind}Users(input: { userIds: ["${target}"] }) { results { __typename } } }`,
    );
  return done.results[0]?.__typename ?? '';
}

type Lists = Record<'fans' | 'follows' | 'mutuals', { nodes: { id: string }[] }> & Record<string, unknown>;

/** All lists and counts of a user, as they see them. */
async function seen(replica: Replica, id: string) {
  const { viewer } = await replica
    .as(id)
    .data<{ viewer: Lists }>(
      '{ viewer { fansCount followsCount mutualsCount fans { nodes { id } } follows { nodes { id } } mutuals { nodes { id } } } }',
    );
  const ids = (list: 'fans' | 'follows' | 'mutuals') => viewer[list].nodes.map((node) => node.id).sort();
  return { ...viewer, fans: ids('fans'), follows: ids('follows'), mutuals: ids('mutuals') };
}

function truth({ sandbox: { world } }: TestGateway, id: string) {
  const ids = (list: 'fans' | 'follows' | 'mutuals') =>
    world
      .list(id, list)
      .map((member) => member.id)
      .sort();
  const { fans, follows, mutuals } = world.counts(id);
  return {
    fansCount: fans,
    followsCount: follows,
    mutualsCount: mutuals,
    fans: ids('fans'),
    follows: ids('follows'),
    mutuals: ids('mutuals'),
  };
}

async function everybodyReadsTheTruth(gateway: TestGateway, replicas: readonly Replica[]) {
  for (const replica of replicas) for (const id of PEOPLE) expect(await seen(replica, id)).toEqual(truth(gateway, id));
}

/** Counts show a change when the upstream does. */
async function everybodyReadsTrueLists(gateway: TestGateway, replicas: readonly Replica[]) {
  const lists = ({ fans, follows, mutuals }: Record<string, unknown>) => ({ fans, follows, mutuals });
  for (const replica of replicas)
    for (const id of PEOPLE) expect(lists(await seen(replica, id))).toEqual(lists(truth(gateway, id)));
}

const TYPES = 'subscription { followEvents(userId: "star") { __typename ... on FanGained { user { id } } } }';
const typesOf = async (stream: Awaited<ReturnType<typeof subscribe>>, count: number) => {
  const types: string[] = [];
  for (let n = 0; n < count; n++)
    types.push(
      (await stream.answer<{ data: { followEvents: { __typename: string } } }>()).data.followEvents.__typename,
    );
  return types;
};

test('a follow in one’s own app right after an unfollow by the gateway is no change of the gateway’s own', async () => {
  const { gateway, other } = await openTwo();
  const stream = await subscribe(other, TYPES);
  await change(gateway, 'follow', 'anna', 'star');
  await change(gateway, 'unfollow', 'anna', 'star');
  await gateway.sandbox.webhooks.settled();
  gateway.sandbox.act.follow('anna', 'star');
  expect(await typesOf(stream, 3)).toEqual(['FanGained', 'FanLost', 'FanGained']);
  await everybodyReadsTheTruth(gateway, [gateway, other]);
});

test('somebody else’s unfollow in their own app counts beside a follow by the gateway', async () => {
  const { gateway, other } = await openTwo();
  const { act, webhooks } = gateway.sandbox;
  const stream = await subscribe(other, TYPES);
  // That somebody left is told of those who were known as fans.
  act.follow('bert', 'star');
  act.follow('cleo', 'star');
  expect(await typesOf(stream, 2)).toEqual(['FanGained', 'FanGained']);
  await change(gateway, 'follow', 'anna', 'star');
  act.unfollow('bert', 'star');
  await webhooks.settled();
  expect(await typesOf(stream, 2)).toEqual(['FanGained', 'FanLost']);
  await everybodyReadsTheTruth(gateway, [gateway, other]);
});

test('a mutual who unfollows in their own app is no mutual any more', async () => {
  const { gateway, other } = await openTwo();
  gateway.sandbox.world.follow('star', 'anna');
  await change(gateway, 'follow', 'anna', 'star');
  const stream = await subscribe(other, 'subscription { followEvents(userId: "anna") { __typename } }');
  gateway.sandbox.act.unfollow('star', 'anna');
  expect(await typesOf(stream, 1)).toEqual(['FanLost']);
  await everybodyReadsTheTruth(gateway, [gateway, other]);
});

test('values cached from a lagging upstream are invalidated when the lag is over', async () => {
  const { gateway, other } = await openTwo({ LIST_FRESH_SECONDS: '300' });
  const { faults } = gateway.sandbox;
  faults.set({ listsLag: { ms: 2000 }, countsLag: { ms: 2000 } });
  await change(gateway, 'follow', 'anna', 'star');
  await everybodyReadsTrueLists(gateway, [gateway, other]);
  gateway.clock.advance(29_000);
  await everybodyReadsTrueLists(gateway, [gateway, other]);
  // The end of the lag, and of the time for which changes still count beyond it.
  gateway.clock.advance(2000);
  await expect.poll(() => seen(other, 'anna')).toEqual(truth(gateway, 'anna'));
  gateway.clock.advance(1000);
  await everybodyReadsTheTruth(gateway, [gateway, other]);
});

test('a change by one replica whose webhook comes to the other is told once, whichever is faster', async () => {
  const { gateway, other } = await openTwo();
  const stream = await subscribe(gateway, TYPES);
  for (let turn = 0; turn < 30; turn++) {
    gateway.sandbox.faults.set({ latency: { ms: 2 + (turn % 15), commands: ['follow_add', 'follow_delete'] } });
    await change(other, turn % 2 === 0 ? 'follow' : 'unfollow', 'anna', 'star');
  }
  await gateway.sandbox.webhooks.settled();
  gateway.sandbox.faults.reset();
  await change(other, 'follow', 'bert', 'star');
  const expected = Array.from({ length: 30 }, (_, turn) => (turn % 2 === 0 ? 'FanGained' : 'FanLost'));
  expect(await typesOf(stream, 31)).toEqual([...expected, 'FanGained']);
});

describe.each([
  ['at once', true],
  ['one after the other', false],
])('many changes by the gateway, %s, on both replicas', (_how, atOnce) => {
  test.each(['no lag', 'lagging lists and counts'])('are read as they are by everybody: %s', async (lag) => {
    const { gateway, other } = await openTwo();
    if (lag !== 'no lag' && !atOnce)
      gateway.sandbox.faults.set({ listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } });
    let state = 11;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % limit;
    };
    for (let round = 0; round < 12; round++) {
      const jobs: Promise<string>[] = [];
      for (let n = 0; n < 4; n++) {
        const [from, to] = [PEOPLE[below(4)] as string, PEOPLE[below(4)] as string];
        if (from === to) continue;
        const job = change(below(2) ? gateway : other, below(3) ? 'follow' : 'unfollow', from, to);
        jobs.push(job);
        if (!atOnce) await job;
      }
      await Promise.all(jobs);
      if (lag === 'no lag') await everybodyReadsTheTruth(gateway, [gateway, other]);
      else await everybodyReadsTrueLists(gateway, [gateway, other]);
    }
  });
});

test('the cursor of an event does not tell a mutual to whom mutuals are hidden', async () => {
  const { gateway, other } = await openTwo({ LIST_VISIBILITY: 'mutuals=self' });
  gateway.sandbox.world.follow('star', 'anna');
  const cursors = 'subscription { followEvents(userId: "star") { cursor } }';
  const stream = await subscribe(other, cursors);
  await change(gateway, 'follow', 'anna', 'star');
  await change(gateway, 'follow', 'bert', 'star');
  for (let n = 0; n < 2; n++) {
    const { data } = await stream.answer<{ data: { followEvents: { cursor: string } } }>();
    expect(data.followEvents.cursor).not.toContain('~');
  }
});
