// Changes by the gateway and by people's own apps, on two replicas, one after the other and at once: every client reads
// the truth, and every subscriber is told once.
import { expect, test, vi } from 'vitest';
import { createRandom } from '../../src/sandbox/seed.ts';
import { change, expectTruth, LAGGING, openTwo } from '../graph/world.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';
import { SEED } from '../support/random-cases.ts';

const PEOPLE = ['star', 'anna', 'bert', 'cleo'];
const PAIRINGS = [
  ['star anna', 'bert cleo'],
  ['star bert', 'anna cleo'],
  ['star cleo', 'anna bert'],
];

async function open(env: Record<string, string> = {}) {
  const opened = await openTwo({ people: PEOPLE, hasWebhooks: true, env });
  const { gateway, other } = opened;
  const everybodyReadsTheTruth = (countsLag = false, pairs = ['star anna', 'bert cleo']) =>
    expectTruth(gateway, pairs, { replicas: [gateway, other], countsLag });
  return { ...opened, ...gateway.sandbox, everybodyReadsTheTruth };
}

const TYPES = 'subscription { followEvents(userId: "star") { __typename } }';
const typesOf = async (stream: EventStream, count: number) =>
  (await stream.events<{ __typename: string }>(count)).map(({ __typename }) => __typename);

test('a follow in one’s own app right after an unfollow by the gateway is no change of the gateway’s own', async () => {
  const { gateway, other, webhooks, act, everybodyReadsTheTruth } = await open();
  const stream = await subscribe(other, TYPES);
  await change(gateway, 'followUsers', 'anna', ['star']);
  await change(gateway, 'unfollowUsers', 'anna', ['star']);
  await webhooks.settled();
  act.follow('anna', 'star');
  expect(await typesOf(stream, 3)).toEqual(['FanGained', 'FanLost', 'FanGained']);
  await everybodyReadsTheTruth();
});

test('somebody else’s unfollow in their own app counts beside a follow by the gateway', async () => {
  const { gateway, other, act, webhooks, everybodyReadsTheTruth } = await open();
  const stream = await subscribe(other, TYPES);
  // That somebody left is told of those who were known as fans.
  act.follow('bert', 'star');
  act.follow('cleo', 'star');
  expect(await typesOf(stream, 2)).toEqual(['FanGained', 'FanGained']);
  await change(gateway, 'followUsers', 'anna', ['star']);
  act.unfollow('bert', 'star');
  await webhooks.settled();
  expect(await typesOf(stream, 2)).toEqual(['FanGained', 'FanLost']);
  await everybodyReadsTheTruth();
});

test('a mutual who unfollows in their own app is no mutual any more', async () => {
  const { gateway, other, world, act, everybodyReadsTheTruth } = await open();
  world.follow('star', 'anna');
  await change(gateway, 'followUsers', 'anna', ['star']);
  const stream = await subscribe(other, 'subscription { followEvents(userId: "anna") { __typename } }');
  act.unfollow('star', 'anna');
  expect(await typesOf(stream, 1)).toEqual(['FanLost']);
  await everybodyReadsTheTruth();
});

test('values cached from a lagging upstream are invalidated when the lag is over', async () => {
  const { gateway, other, clock, faults, everybodyReadsTheTruth } = await open({ LIST_FRESH_SECONDS: '300' });
  faults.set({ listsLag: { ms: 2000 }, countsLag: { ms: 2000 } });
  await change(gateway, 'followUsers', 'anna', ['star']);
  await everybodyReadsTheTruth(true);
  clock.advance(29_000);
  await everybodyReadsTheTruth(true);
  // The end of the lag, and of the time for which changes still count beyond it.
  clock.advance(2000);
  await vi.waitFor(() => expectTruth(gateway, ['anna star'], { replicas: [other] }), 10_000);
  clock.advance(1000);
  await everybodyReadsTheTruth();
});

test('a change by one replica whose webhook comes to the other is told once, whichever is faster', async () => {
  const { gateway, other, faults, webhooks } = await open();
  const stream = await subscribe(gateway, TYPES);
  for (let turn = 0; turn < 30; turn++) {
    faults.set({ latency: { ms: 2 + (turn % 15), commands: ['follow_add', 'follow_delete'] } });
    await change(other, turn % 2 === 0 ? 'followUsers' : 'unfollowUsers', 'anna', ['star']);
  }
  await webhooks.settled();
  faults.reset();
  await change(other, 'followUsers', 'bert', ['star']);
  const expected = Array.from({ length: 30 }, (_, turn) => (turn % 2 === 0 ? 'FanGained' : 'FanLost'));
  expect(await typesOf(stream, 31)).toEqual([...expected, 'FanGained']);
});

test.each([
  ['at once', true, false],
  ['one after the other', false, false],
  ['one after the other, while lists and counts lag', false, true],
])(
  'many changes by the gateway, %s, on both replicas are read as they are by everybody',
  async (_how, atOnce, lags) => {
    const { gateway, other, clock, faults, everybodyReadsTheTruth } = await open({ LIST_FRESH_SECONDS: '5' });
    if (lags) faults.set(LAGGING);
    const random = createRandom(SEED);
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
    const look = () => everybodyReadsTheTruth(lags, pick(PAIRINGS));
    for (let round = 0; round < 15; round++) {
      const jobs: Promise<unknown>[] = [];
      for (let n = 0; n < 4; n++) {
        const from = pick(PEOPLE);
        const to = pick(PEOPLE.filter((id) => id !== from));
        const job = change(pick([gateway, other]), pick(['followUsers', 'followUsers', 'unfollowUsers']), from, [to]);
        if (atOnce) jobs.push(job);
        else await job.then(look);
      }
      await Promise.all(jobs);
      await look();
      clock.advance(500);
    }
  },
);

test('the cursor of an event does not tell a mutual to whom mutuals are hidden', async () => {
  const { gateway, other, world } = await open({ LIST_VISIBILITY: 'mutuals=self' });
  world.follow('star', 'anna');
  const stream = await subscribe(other, 'subscription { followEvents(userId: "star") { cursor } }');
  await change(gateway, 'followUsers', 'anna', ['star']);
  await change(gateway, 'followUsers', 'bert', ['star']);
  for (const { cursor } of await stream.events<{ cursor: string }>(2)) expect(cursor).not.toContain('~');
});
