// Changes by the gateway and by people's own apps, on two replicas, one after the other and at once: every client reads
// the truth, and every subscriber is told once.
import { describe, expect, test } from 'vitest';
import { truth, uncounted, view } from '../graph/two-users.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';
import type { Replica, TestGateway } from '../support/gateway.ts';
import { openTwoWithWebhooks } from '../webhook/webhook-gateway.ts';

const PEOPLE = ['star', 'anna', 'bert', 'cleo'] as const;
type Kind = 'follow' | 'unfollow';
type Two = { gateway: TestGateway; other: Replica };

const openTwo = (env: Record<string, string> = {}) => openTwoWithWebhooks(PEOPLE, env);

const change = (replica: Replica, kind: Kind, viewer: string, target: string) =>
  replica
    .as(viewer)
    .data(
      `mutation { ${kind}Users(input: { userIds: ["${target}"] }) { results { ... on FollowFailure { reason } } } }`,
    );

type Seen = Awaited<ReturnType<typeof view>>;

async function everybodyReadsTheTruth({ gateway, other }: Two, parts: (seen: Seen) => object = (seen) => seen) {
  for (const replica of [gateway, other])
    for (const [n, id] of PEOPLE.entries()) {
      const next = PEOPLE[(n + 1) % PEOPLE.length] as string;
      expect(parts(await view(replica, id, next))).toEqual(parts(truth(gateway, id, next)));
    }
}

/** Counts show a change when the upstream does. */
const everybodyReadsTrueLists = (two: Two) => everybodyReadsTheTruth(two, uncounted);

const TYPES = 'subscription { followEvents(userId: "star") { __typename } }';
async function typesOf(stream: EventStream, count: number) {
  const types: string[] = [];
  for (let n = 0; n < count; n++)
    types.push(
      (await stream.answer<{ data: { followEvents: { __typename: string } } }>()).data.followEvents.__typename,
    );
  return types;
}

test('a follow in one’s own app right after an unfollow by the gateway is no change of the gateway’s own', async () => {
  const { gateway, other } = await openTwo();
  const stream = await subscribe(other, TYPES);
  await change(gateway, 'follow', 'anna', 'star');
  await change(gateway, 'unfollow', 'anna', 'star');
  await gateway.sandbox.webhooks.settled();
  gateway.sandbox.act.follow('anna', 'star');
  expect(await typesOf(stream, 3)).toEqual(['FanGained', 'FanLost', 'FanGained']);
  await everybodyReadsTheTruth({ gateway, other });
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
  await everybodyReadsTheTruth({ gateway, other });
});

test('a mutual who unfollows in their own app is no mutual any more', async () => {
  const { gateway, other } = await openTwo();
  gateway.sandbox.world.follow('star', 'anna');
  await change(gateway, 'follow', 'anna', 'star');
  const stream = await subscribe(other, 'subscription { followEvents(userId: "anna") { __typename } }');
  gateway.sandbox.act.unfollow('star', 'anna');
  expect(await typesOf(stream, 1)).toEqual(['FanLost']);
  await everybodyReadsTheTruth({ gateway, other });
});

test('values cached from a lagging upstream are invalidated when the lag is over', async () => {
  const { gateway, other, clock } = await openTwo({ LIST_FRESH_SECONDS: '300' });
  gateway.sandbox.faults.set({ listsLag: { ms: 2000 }, countsLag: { ms: 2000 } });
  await change(gateway, 'follow', 'anna', 'star');
  await everybodyReadsTrueLists({ gateway, other });
  clock.advance(29_000);
  await everybodyReadsTrueLists({ gateway, other });
  // The end of the lag, and of the time for which changes still count beyond it.
  clock.advance(2000);
  await expect.poll(() => view(other, 'anna', 'star')).toEqual(truth(gateway, 'anna', 'star'));
  clock.advance(1000);
  await everybodyReadsTheTruth({ gateway, other });
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
      const jobs: Promise<unknown>[] = [];
      for (let n = 0; n < 4; n++) {
        const [from, to] = [PEOPLE[below(4)] as string, PEOPLE[below(4)] as string];
        if (from === to) continue;
        const job = change(below(2) ? gateway : other, below(3) ? 'follow' : 'unfollow', from, to);
        jobs.push(job);
        if (!atOnce) await job;
      }
      await Promise.all(jobs);
      if (lag === 'no lag') await everybodyReadsTheTruth({ gateway, other });
      else await everybodyReadsTrueLists({ gateway, other });
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
