// The change stream: all replicas hear what one of them writes, once and in one order, and whatever Redis does to it.
import { describe, expect, test, vi } from 'vitest';
import { createChangeStream, type StreamEntry } from '../../src/cache/change-stream.ts';
import { createRunningClock } from '../support/clock.ts';
import { linkTo, operatorOf, startRedis, startRedisCluster } from '../support/redis.ts';
import type { RedisProcess } from '../support/redis-process.ts';

const KEY = 'test:changes';
/** For tests in which Redis is away: they need not wait long to find out. */
const HASTY = { timeoutMs: 250 };

const read = (value: unknown) => (typeof value === 'object' && value !== null ? value : undefined);

/** Replicas that share a stream in the Redis at `url`. */
function replicasAt(url: string) {
  const clock = createRunningClock();

  /** Patient by default: on a busy machine Redis is slow, which is no outage. */
  async function open({ maxLength = 1000, timeoutMs = 5000, follows = true } = {}) {
    const { link, masterOf } = await linkTo(url, clock, timeoutMs);
    const stream = createChangeStream({ redis: { link }, key: KEY, maxLength, read, clock });
    const heard: StreamEntry<object>[] = [];
    const missed: string[] = [];
    stream.listen(
      (entry) => heard.push(entry),
      (id) => missed.push(id),
    );
    if (follows) await stream.ready();
    return {
      ...{ ...stream, heard, missed, master: () => masterOf(KEY) },
      values: () => heard.map(({ value }) => value),
      /** The entries that a subscriber gets when it comes back with an id. */
      async resume(id: string) {
        if (!stream.since(id).complete) await stream.catchUp();
        return stream.since(id);
      },
    };
  }
  return { open, openTwo: async (options = {}) => [await open(options), await open(options)] as const };
}

async function openOnRedis() {
  const server = await startRedis();
  const admin = operatorOf(server.url);
  return { server, admin, ...replicasAt(server.url) };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ n: from + i }));
/** Resolves as soon as `assertion` holds. */
const until = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 10_000, interval: 5 });

describe.each([
  ['Redis', startRedis],
  ['Redis Cluster', startRedisCluster],
])('on %s', (_storage, start) => {
  const openTwo = async () => replicasAt((await start()).url).openTwo();

  test('replicas that write at the same time hear the same entries in the same order, their own ones once', async () => {
    const [a, b] = await openTwo();
    await Promise.all(numbers(50).flatMap(({ n }) => [a.append({ a: n }), b.append({ b: n })]));
    await until(() => expect([a.heard.length, b.heard.length]).toEqual([100, 100]));
    expect(a.heard.map(({ id }) => id)).toEqual(b.heard.map(({ id }) => id));
    expect(a.values()).toEqual(b.values());
    expect(new Set(a.values().map((value) => JSON.stringify(value))).size).toBe(100);
    expect([...a.missed, ...b.missed]).toEqual([]);
  });

  test('a client that comes back to another replica gets what came after', async () => {
    const [a, b] = await openTwo();
    const ids: string[] = [];
    for (const value of numbers(5)) ids.push(await a.append(value));
    // Not even having heard of it yet is a reason to doubt.
    expect(await b.resume(ids[4] as string)).toMatchObject({ entries: [], complete: true, upTo: ids[4] });
    const { entries, complete } = await b.resume(ids[1] as string);
    expect(complete).toBe(true);
    expect(entries.map(({ value }) => value)).toEqual(numbers(3, 2));
  });
});

test('an entry has been heard by its writer when it is written, after those that were written before it', async () => {
  const { openTwo } = await openOnRedis();
  const [a, b] = await openTwo();
  for (const { n } of numbers(20)) {
    await a.append({ a: n });
    await b.append({ b: n });
    expect(b.values().slice(-2)).toEqual([{ a: n }, { b: n }]);
  }
});

test('a replica that starts hears what the stream holds, before it is ready', async () => {
  const { open } = await openOnRedis();
  const a = await open();
  const ids = [await a.append({ n: 0 })];
  ids.push(...(await Promise.all(numbers(1199, 1).map((value) => a.append(value)))));
  const b = await open();
  // Redis trims a stream when that is cheap.
  expect(b.heard.length).toBeGreaterThanOrEqual(1000);
  expect(b.values().slice(-1000)).toEqual(numbers(1000, 200));
  const { entries, complete } = await b.resume(ids[1150] as string);
  expect([complete, entries.map(({ value }) => value)]).toEqual([true, numbers(49, 1151)]);
  expect(await b.resume(ids[0] as string)).toMatchObject({ complete: false });
  // Room for more does not bring back what the stream has lost.
  const roomy = await open({ maxLength: 5000 });
  expect(await roomy.resume(ids[0] as string)).toMatchObject({ complete: false });
});

test('a replica whose connection breaks misses nothing', async () => {
  const { admin, openTwo } = await openOnRedis();
  const [a, b] = await openTwo();
  for (let round = 0; round < 3; round++) {
    await a.append({ round });
    await until(() => expect(b.heard).toHaveLength(2 * round + 1));
    const clients = String(await admin.call('CLIENT', 'LIST')).split('\n');
    const waiting = clients.filter((line) => line.includes('cmd=xread')).map((line) => /^id=(\d+)/.exec(line)?.[1]);
    expect(waiting).toHaveLength(2);
    for (const id of waiting) await admin.call('CLIENT', 'KILL', 'ID', id as string);
    await a.append({ round, whileAway: true });
    await until(() => expect(b.heard).toHaveLength(2 * round + 2));
  }
  expect(b.values()).toEqual(a.values());
  expect([...a.missed, ...b.missed]).toEqual([]);
});

describe('while Redis is away', () => {
  test.each(['killed', 'paused', 'killed on the one master of a cluster that has the stream'])(
    '%s, a writer hears itself at once, and all are told later that they may have missed some',
    async (how) => {
      const cluster = how.includes('cluster') ? await startRedisCluster() : null;
      const single = cluster ?? (await startRedis());
      const [a, b] = await replicasAt(single.url).openTwo(HASTY);
      const nodes = cluster?.nodes ?? [single as RedisProcess];
      const server = nodes.find(({ port }) => !cluster || a.master().endsWith(`:${port}`)) as RedisProcess;
      await a.append({ n: 0 });
      await until(() => expect(b.heard).toHaveLength(1));
      if (how === 'paused') server.pause();
      else await server.kill();
      const ids: string[] = [];
      for (const value of numbers(5, 1)) {
        const id = await a.append(value);
        expect(a.heard.at(-1)).toMatchObject({ id, value });
        ids.push(id);
      }
      await b.append({ b: 0 });
      expect(b.values()).toEqual([{ n: 0 }, { b: 0 }]);
      // An entry that only its writer has heard can be resumed there, and is known nowhere else.
      expect(await a.resume(ids[2] as string)).toMatchObject({ complete: true, entries: [{ value: { n: 4 } }, {}] });
      expect(await b.resume(ids[2] as string)).toMatchObject({ complete: false });

      if (how === 'paused') server.resume();
      else await server.restart();
      for (const { missed } of [a, b]) await until(() => expect(missed.length).toBeGreaterThan(0));
      await a.append({ n: 6 });
      await until(() => expect([a.values().at(-1), b.values().at(-1)]).toEqual([{ n: 6 }, { n: 6 }]));
      for (const { resume } of [a, b]) expect(await resume(ids[2] as string)).toMatchObject({ complete: false });
      const last = a.missed.at(-1) as string;
      expect(await a.resume(last)).toMatchObject({ complete: true, entries: [{ value: { n: 6 } }] });
    },
  );

  test('refused because it is out of memory, entries are heard here, and others are told of a gap when it takes them', async () => {
    const { admin, openTwo } = await openOnRedis();
    const [a, b] = await openTwo(HASTY);
    await admin.call('CONFIG', 'SET', 'maxmemory', '1');
    await a.append({ n: 0 });
    expect(a.values()).toEqual([{ n: 0 }]);
    expect(b.values()).toEqual([]);
    await admin.call('CONFIG', 'SET', 'maxmemory', '0');
    await until(() => expect(b.missed).toHaveLength(1));
    await a.append({ n: 1 });
    await until(() => expect(b.values()).toEqual([{ n: 1 }]));
    expect(a.values()).toEqual(numbers(2));
  });

  test('at the start, a replica hears what comes when it is back, and nothing of the past', async () => {
    const { server, open } = await openOnRedis();
    const a = await open(HASTY);
    await a.append({ n: 0 });
    const late = await open({ ...HASTY, follows: false });
    server.pause();
    await late.ready();
    server.resume();
    await until(() => expect(late.missed).toHaveLength(1));
    await a.append({ n: 1 });
    await until(() => expect(late.values()).toEqual([{ n: 1 }]));
  });
});

test('a stream that was emptied is noticed by the next entry, on all replicas', async () => {
  const { admin, openTwo } = await openOnRedis();
  const [a, b] = await openTwo();
  const id = await a.append({ n: 0 });
  await until(() => expect(b.heard).toHaveLength(1));
  await admin.flushall();
  await a.append({ n: 1 });
  await until(() => expect(b.values()).toEqual(numbers(2)));
  for (const { resume, missed } of [a, b]) {
    expect(missed).toHaveLength(1);
    expect(await resume(id)).toMatchObject({ complete: false });
    expect(await resume(missed[0] ?? '')).toMatchObject({ complete: true, entries: [{ value: { n: 1 } }] });
  }
});

test('a replica that the stream has left behind says that it missed some', async () => {
  const { open } = await openOnRedis();
  const [deaf, a] = [await open({ follows: false }), await open({ maxLength: 100 })];
  const id = await a.append({ n: 0 });
  expect(await deaf.resume(id)).toMatchObject({ complete: true });
  await Promise.all(numbers(999, 1).map((value) => a.append(value)));
  expect(deaf.heard).toHaveLength(1);
  await deaf.resume('9-9');
  expect(await deaf.resume(id)).toMatchObject({ complete: false });
  expect(deaf.missed).toHaveLength(1);
  expect(deaf.values().at(-1)).toEqual({ n: 999 });
  expect(deaf.heard.length).toBeLessThan(400);
});

test('anything in the stream that is no entry is passed over', async () => {
  const { admin, open } = await openOnRedis();
  const [a, b] = [await open(), await open()];
  await a.append({ n: 0 });
  await admin.xadd(KEY, '*', 'what', 'ever');
  await admin.xadd(KEY, '*', 'value', '{"n":');
  await a.append({ n: 1 });
  await until(() => expect(b.values()).toEqual(numbers(2)));
  expect([...a.missed, ...b.missed]).toEqual([]);
  expect((await open()).values()).toEqual(numbers(2));
});
