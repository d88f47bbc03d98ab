// What workers share through the process above them.
import { expect, test } from 'vitest';
import { createLog, type LogEntry } from '../../src/cache/log.ts';
import { createTurns } from '../../src/cache/turns.ts';
import type { FollowMemory } from '../../src/follow/memory.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { startFellows } from './together.ts';

type Worker = ReturnType<typeof startFellows>['workers'][number];

async function openLog({ fellows }: Worker, clock: TestClock) {
  const log = createLog({ link: null, bus: fellows.log, key: '', most: 100, clock });
  const heard: LogEntry[] = [];
  log.listen(
    (entry) => heard.push(entry),
    () => {},
  );
  await log.ready();
  return { ...log, heard };
}

const turns = async (count = 10) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
};

test('whoever writes, all hear the same entries in the same order, before the writer goes on', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(3, clock);
  const logs = await Promise.all(workers.map((worker) => openLog(worker, clock)));
  for (let n = 0; n < 5; n++) {
    const id = await logs[n % 3]?.append({ n });
    expect(logs.map(({ heard }) => heard.at(-1))).toEqual(Array(3).fill({ id, value: { n }, nonce: id }));
  }
  await Promise.all(logs.flatMap(({ append }, who) => [append({ who }), append({ who, again: true })]));
  const [first, ...others] = logs.map(({ heard }) => heard);
  expect(first).toHaveLength(11);
  for (const heard of others) expect(heard).toEqual(first);
});

test('a worker that comes later knows what was kept, and where it begins', async () => {
  const clock = createTestClock();
  const { workers, open } = startFellows(1, clock, { most: 3 });
  const first = await openLog(workers[0] as Worker, clock);
  const ids: string[] = [];
  for (let n = 0; n < 8; n++) ids.push(await first.append({ n }));
  const late = await openLog(open(), clock);
  expect(late.recent().map(({ value }) => value)).toEqual([{ n: 5 }, { n: 6 }, { n: 7 }]);
  expect(await late.since(ids[4] as string)).toMatchObject({ complete: true, upTo: ids[7] });
  expect(await late.since(ids[3] as string)).toMatchObject({ complete: false });
  await first.append({ n: 8 });
  expect(late.recent().at(-1)).toMatchObject({ value: { n: 8 } });
});

test('a worker without any past knows that nothing is lacking from its beginning on', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(2, clock);
  const [first, second] = await Promise.all(workers.map((worker) => openLog(worker, clock)));
  const id = (await first?.append({ n: 0 })) as string;
  expect(await second?.since(id)).toMatchObject({ complete: true, entries: [] });
});

test('a clock that is set back does not take the order of the log with it', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(1, clock);
  const log = await openLog(workers[0] as Worker, clock);
  const first = await log.append({ n: 0 });
  clock.advance(-3_600_000);
  await log.append({ n: 1 });
  expect((await log.since(first)).entries.map(({ value }) => value)).toEqual([{ n: 1 }]);
});

test('nobody waits for a worker that does not answer, or is dead, for longer than once', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(3, clock);
  const [first, stuck, mortal] = await Promise.all(workers.map((worker) => openLog(worker, clock)));
  (workers[1] as Worker).line.isStuck = true;
  let isWritten = false;
  const writing = first?.append({ n: 0 }).then(() => {
    isWritten = true;
  });
  await turns();
  expect(isWritten).toBe(false);
  clock.advance(500);
  await writing;
  // From now on it is not waited for at all.
  await first?.append({ n: 1 });
  (workers[2] as Worker).die();
  await first?.append({ n: 2 });
  expect([stuck, mortal].map((log) => log?.heard.length)).toEqual([0, 2]);
});

test('what one worker forgets all have forgotten when it goes on, and what it is told is known to all', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(3, clock);
  const seen: string[][] = workers.map(() => []);
  const memories = workers.map(({ fellows }, index) =>
    fellows.remember({
      async forget(event) {
        seen[index]?.push(event.type);
      },
      noteTold: () => void seen[index]?.push('told'),
    } as FollowMemory),
  );
  await Promise.all(workers.map((worker) => openLog(worker, clock)));
  await memories[1]?.forget({ type: 'profile-changed', userId: 'anna' });
  expect(seen).toEqual([['profile-changed'], ['profile-changed'], ['profile-changed']]);
  memories[2]?.noteTold();
  memories[2]?.noteTold();
  await turns();
  expect(seen).toEqual([
    ['profile-changed', 'told'],
    ['profile-changed', 'told'],
    ['profile-changed', 'told', 'told'],
  ]);
});

test('what is asked in one name is done one after the other over all workers, also when one dies in its turn', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(3, clock);
  const takers = workers.map(({ fellows }) => fellows.inTurn(createTurns({ redis: null, clock })));
  const done: string[] = [];
  const gates = workers.map(() => Promise.withResolvers<void>());
  const take = (index: number, name = 'anna') =>
    takers[index]?.take(name, clock.now() + 10_000, async () => {
      done.push(`${name} ${index} begins`);
      await gates[index]?.promise;
      done.push(`${name} ${index} ends`);
    });
  void take(0);
  await turns();
  const rest = [take(1), take(2)];
  await turns();
  expect(done).toEqual(['anna 0 begins']);
  workers[0]?.die();
  await turns();
  expect(done).toEqual(['anna 0 begins', 'anna 1 begins']);
  for (const { resolve } of gates.slice(1)) resolve();
  await Promise.all(rest);
  expect(done.slice(1)).toEqual(['anna 1 begins', 'anna 1 ends', 'anna 2 begins', 'anna 2 ends']);
  await take(1, 'bert');
  expect(done.slice(5)).toEqual(['bert 1 begins', 'bert 1 ends']);
});

test('a worker that stands still in its turn holds the others back until a second after its time, and no longer', async () => {
  const clock = createTestClock();
  const { workers } = startFellows(2, clock);
  const takers = workers.map(({ fellows }) => fellows.inTurn(createTurns({ redis: null, clock })));
  const take = (index: number) => takers[index]?.take('anna', clock.now() + 10_000, async () => clock.now());
  void takers[0]?.take('anna', clock.now() + 10_000, () => new Promise(() => {}));
  await turns();
  await clock.advance(5000);
  const [askedAt, later] = [clock.now(), take(1)];
  await turns();
  await clock.advance(6000);
  expect(await later).toBe(askedAt + 6000);
  expect(await take(1)).toBe(clock.now());
});

test('what workers count of a name in a window is added up, and known for one window more', async () => {
  const { workers } = startFellows(2, createTestClock());
  const [first, second] = workers.map(({ fellows }) => fellows.counts);
  expect(await first?.add('anna', 7, 5)).toMatchObject({ current: 5, previous: 0 });
  expect(await second?.add('anna', 7, 3)).toMatchObject({ current: 8, previous: 0 });
  expect(await second?.add('bert', 7, 1)).toMatchObject({ current: 1, previous: 0 });
  expect(await second?.add('anna', 8, 2)).toMatchObject({ current: 2, previous: 8 });
  expect(await first?.add('anna', 10, 1)).toMatchObject({ current: 1, previous: 0 });
});
