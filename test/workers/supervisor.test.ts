// Who keeps workers alive: replaced with patience, led out with care.
import { expect, test } from 'vitest';
import { createPeer, type Peer } from '../../src/workers/peer.ts';
import { createSupervisor } from '../../src/workers/supervisor.ts';
import { createTestClock } from '../support/clock.ts';
import { createChannels } from './together.ts';

/** A process that does as it is told. */
function createProcess(number: number) {
  const { above, below } = createChannels();
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  const peer = createPeer(below);
  const told: string[] = [];
  for (const what of ['leave', 'keep the door']) peer.answer(what, () => void told.push(what));
  return {
    number,
    told,
    process: { pid: 1000 + number, channel: above, ended: ended.promise, kill: () => die(null, 'SIGKILL') },
    serve: () => peer.ask('ready', 'http://localhost:4000'),
    fail: (exitCode: number, complaint: string) => peer.ask('failed', { exitCode, complaint }),
    die,
  };
  function die(code: number | null = 1, signal: string | null = null): void {
    ended.resolve({ code, signal });
  }
}

const turns = async () => {
  for (let n = 0; n < 300; n++) await new Promise((resolve) => setImmediate(resolve));
};

function startSupervisor(count: number) {
  const clock = createTestClock();
  const launched: ReturnType<typeof createProcess>[] = [];
  const lines: Record<string, unknown>[] = [];
  const admitted = new Set<Peer>();
  let isOpen = true;
  const supervisor = createSupervisor({
    count,
    launch(number) {
      const made = createProcess(number);
      launched.push(made);
      return made.process;
    },
    closeDoor: async () => {
      isOpen = false;
    },
    hub: { admit: (peer) => void admitted.add(peer), dismiss: (peer) => void admitted.delete(peer) },
    clock,
    log: { info() {}, warn: (facts, message) => void lines.push({ ...facts, message }) },
    random: () => 1 - Number.EPSILON,
  });
  const url = supervisor.start();
  url.catch(() => {});
  const last = () => launched.at(-1) as ReturnType<typeof createProcess>;
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turns();
  };
  /** All of them serve. */
  async function begin(): Promise<void> {
    await Promise.all(launched.map(({ serve }) => serve()));
    expect(await url).toBe('http://localhost:4000');
  }
  return { supervisor, url, launched, lines, admitted, last, pass, begin, isOpen: () => isOpen };
}

test('it is ready when all are, and knows who serves', async () => {
  const { supervisor, launched, begin, admitted } = startSupervisor(3);
  expect(launched.map(({ number }) => number)).toEqual([1, 2, 3]);
  await launched[1]?.serve();
  expect(supervisor.ready().map(({ number }) => number)).toEqual([2]);
  await begin();
  expect(supervisor.ready().map(({ number, pid }) => [number, pid])).toEqual([
    [1, 1001],
    [2, 1002],
    [3, 1003],
  ]);
  expect(admitted.size).toBe(3);
});

test('a worker that dies again and again is replaced after ever longer pauses, until one has lived for a while', async () => {
  const { supervisor, launched, last, begin, pass, lines, admitted } = startSupervisor(1);
  await begin();
  for (const pauseMs of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
    const before = launched.length;
    last().die(null, 'SIGSEGV');
    await turns();
    await pass(pauseMs - 1);
    expect(launched).toHaveLength(before);
    await pass(1);
    expect(launched).toHaveLength(before + 1);
    expect(lines.at(-1)).toMatchObject({ worker: 1, signal: 'SIGSEGV', pauseMs });
  }
  expect([last().number, supervisor.restarts(), admitted.size]).toEqual([1, 9, 1]);
  await last().serve();
  await pass(30_000);
  last().die();
  await turns();
  expect(lines.at(-1)).toMatchObject({ pauseMs: 100 });
});

test('what keeps a worker from coming back is logged, and tried again', async () => {
  const { launched, last, begin, pass, lines } = startSupervisor(1);
  await begin();
  last().die();
  await turns();
  await pass(100);
  await last().fail(78, 'REDIS_URL is away');
  last().die(78);
  await turns();
  expect(lines.at(-1)).toMatchObject({ code: 78, reason: 'REDIS_URL is away', pauseMs: 200 });
  await pass(200);
  expect(launched).toHaveLength(3);
});

test.each<[string, (worker: ReturnType<typeof createProcess>) => unknown, object]>([
  [
    'in its own words',
    async (worker) => {
      await worker.fail(78, 'the complaint');
      worker.die(78);
    },
    { exitCode: 78, message: 'the complaint' },
  ],
  ['that dies', (worker) => worker.die(null, 'SIGKILL'), { exitCode: 1, message: expect.stringContaining('SIGKILL') }],
  ['that just ends', (worker) => worker.die(0), { exitCode: 1, message: expect.stringContaining('exit code 0') }],
])('a first start is over with a worker that fails %s', async (_title, fail, failure) => {
  const { url, launched } = startSupervisor(2);
  await launched[0]?.serve();
  await fail(launched[1] as ReturnType<typeof createProcess>);
  await expect(url).rejects.toMatchObject(failure);
});

test('on the way out all are told at once, the last one keeps the door for the others, and nobody is replaced', async () => {
  const { supervisor, launched, begin, pass, isOpen } = startSupervisor(3);
  await begin();
  const [first, second, keeper] = launched as [(typeof launched)[0], (typeof launched)[0], (typeof launched)[0]];
  const drained = supervisor.drain(1000);
  await turns();
  expect(launched.map(({ told }) => told)).toEqual([['leave'], ['leave'], ['keep the door']]);
  await pass(1000);
  first.die(0);
  await turns();
  expect([isOpen(), keeper.told]).toEqual([true, ['keep the door']]);
  second.die(0);
  await turns();
  await pass(249);
  expect([isOpen(), keeper.told]).toEqual([true, ['keep the door']]);
  await pass(1);
  expect([isOpen(), keeper.told]).toEqual([false, ['keep the door', 'leave']]);
  keeper.die(0);
  expect(await drained).toBe(true);
  await pass(60_000);
  expect(launched).toHaveLength(3);
});

test('the door stays open for as long as was said when the one who keeps it dies, and no longer when all have', async () => {
  const { supervisor, launched, begin, pass, isOpen } = startSupervisor(2);
  await begin();
  const drained = supervisor.drain(1000);
  await turns();
  launched[1]?.die(null, 'SIGKILL');
  await turns();
  await pass(999);
  expect(isOpen()).toBe(true);
  await pass(1);
  expect(isOpen()).toBe(false);
  launched[0]?.die(0);
  expect(await drained).toBe(false);

  const other = startSupervisor(2);
  await other.begin();
  void other.supervisor.drain(1000);
  await turns();
  for (const { die } of other.launched) die(null, 'SIGKILL');
  await turns();
  expect(other.isOpen()).toBe(false);
});

test('others that take their time do not keep the last one for ever, and one that ends badly is told of', async () => {
  const { supervisor, launched, begin, pass } = startSupervisor(2);
  await begin();
  const drained = supervisor.drain(1000);
  await pass(2999);
  expect(launched[1]?.told).toEqual(['keep the door']);
  await pass(1);
  expect(launched[1]?.told).toEqual(['keep the door', 'leave']);
  launched[1]?.die(0);
  launched[0]?.die(1);
  expect(await drained).toBe(false);
});

test('who does not serve yet when all are to leave is ended', async () => {
  const { supervisor, launched, last, begin, pass } = startSupervisor(2);
  await begin();
  last().die();
  await turns();
  await pass(100);
  expect(launched).toHaveLength(3);
  const drained = supervisor.drain(0);
  await turns();
  await pass(250);
  expect(launched[0]?.told).toEqual(['keep the door', 'leave']);
  launched[0]?.die(0);
  expect(await drained).toBe(true);
});
