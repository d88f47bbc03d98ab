// Changes by the gateway and by people's own apps, on two replicas, one after the other and at once: every client reads
// the truth, and every subscriber is told once.
import { expect, test, vi } from 'vitest';
import { change, expectTruth, openTwo } from '../graph/world.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';

const PEOPLE = ['star', 'anna', 'bert', 'cleo'];

async function open(env: Record<string, string> = {}, hasWebhooks = true) {
  const opened = await openTwo({ people: PEOPLE, hasWebhooks, env });
  const { gateway, other } = opened;
  const everybodyReadsTheTruth = (countsLag = false) =>
    expectTruth(gateway, ['star anna', 'bert cleo'], { replicas: [gateway, other], countsLag });
  return { ...opened, ...gateway.sandbox, everybodyReadsTheTruth };
}

const TYPES = 'subscription { followEvents(userId: "star") { __typename } }';
const typesOf = async (stream: EventStream, count: number) =>
  (await stream.events<{ __typename: string }>(count)).map(({ __typename }) => __typename);

test.each<[title: string, ...steps: [change: string, told: string][]]>([
  [
    'a follow in one’s own app right after an unfollow by the gateway is no change of the gateway’s own',
    ['anna follow star', 'FanGained'],
    ['anna unfollow star', 'FanLost'],
    ['anna follow star by app', 'FanGained'],
  ],
  [
    'somebody else’s unfollow in their own app counts beside a follow by the gateway',
    ['bert follow star by app', 'FanGained'],
    ['cleo follow star by app', 'FanGained'],
    ['anna follow star', 'FanGained'],
    ['bert unfollow star by app', 'FanLost'],
  ],
  [
    'a mutual who unfollows in their own app is no mutual any more',
    ['anna follow star by app', 'FanGained'],
    ['star follow anna', 'MutualGained'],
    ['anna unfollow star by app', 'FanLost'],
  ],
])('%s', async (_title, ...steps) => {
  const { gateway, other, webhooks, act, everybodyReadsTheTruth } = await open();
  const stream = await subscribe(other, TYPES);
  for (const [step, told] of steps) {
    const [from = '', kind, to = '', by] = step.split(' ') as [string, 'follow' | 'unfollow', string, string?];
    if (by) act[kind](from, to);
    else await change(gateway, `${kind}Users`, from, [to]);
    await webhooks.settled();
    expect(await typesOf(stream, 1)).toEqual([told]);
  }
  await everybodyReadsTheTruth();
});

test.each([
  ['when the lag is over', 29_000],
  ['when the replica that made the change stops before that', 2500],
])('values cached from a lagging upstream are invalidated %s', async (when, ms) => {
  const { gateway, other, clock, faults, everybodyReadsTheTruth } = await open({ LIST_FRESH_SECONDS: '300' }, false);
  faults.set({ listsLag: { ms: 2000 }, countsLag: { ms: 2000 } });
  await change(gateway, 'followUsers', 'anna', ['star']);
  await everybodyReadsTheTruth(true);
  clock.advance(ms);
  await everybodyReadsTheTruth(true);
  if (ms < 29_000) await gateway.instance.close();
  // The end of the lag, and of the time for which changes still count beyond it.
  clock.advance(31_000 - ms);
  const replicas = when === 'when the lag is over' ? [gateway, other] : [other];
  await vi.waitFor(() => expectTruth(gateway, ['anna star'], { replicas }), 10_000);
  clock.advance(1000);
  await expectTruth(gateway, ['star anna', 'bert cleo'], { replicas });
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

test('the cursor of an event does not tell a mutual to whom mutuals are hidden', async () => {
  const { gateway, other, world } = await open({ LIST_VISIBILITY: 'mutuals=self' });
  world.follow('star', 'anna');
  const stream = await subscribe(other, 'subscription { followEvents(userId: "star") { cursor } }');
  await change(gateway, 'followUsers', 'anna', ['star']);
  await change(gateway, 'followUsers', 'bert', ['star']);
  for (const { cursor } of await stream.events<{ cursor: string }>(2)) expect(cursor).not.toContain('~');
});
