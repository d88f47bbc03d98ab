// The metrics of several workers as one page: which numbers are sums, which are not, and what nobody's death takes back.
import { expect, test } from 'vitest';
import { createMetrics, type Readings } from '../../src/metrics/metrics.ts';
import { createTogether, type MeasuredWorker, type Snapshot } from '../../src/metrics/together.ts';
import { createTestClock } from '../support/clock.ts';

function openWorker(readings: Partial<Readings> = {}) {
  const metrics = createMetrics({
    clock: createTestClock(),
    knownOperations: [],
    readings: {
      memoryBytes: () => ({ page: 100, counts: 10, profile: 1, relation: 0 }),
      breakers: () => ({}),
      redisIsUp: null,
      budget: null,
      ...readings,
    },
  });
  const worker: MeasuredWorker = {
    // As it comes over a channel.
    measure: async () => structuredClone(await metrics.snapshot()),
  };
  return { ...metrics, worker };
}

function openPage(first: readonly MeasuredWorker[]) {
  let present = first;
  let restarts = 0;
  const page = createTogether({ workers: () => present, restarts: () => restarts });
  return {
    serve(workers: readonly MeasuredWorker[]) {
      present = workers;
      restarts++;
    },
    async read(name: string): Promise<Record<string, number>> {
      const lines = (await page.metrics()).matchAll(new RegExp(`^follow_gateway_${name}(\\{.*\\})? (\\S+)$`, 'gm'));
      return Object.fromEntries(Array.from(lines, ([, labels = '', value]) => [labels, Number(value)]));
    },
    text: page.metrics,
  };
}

test('counts, times and bytes are added up', async () => {
  const [a, b] = [
    openWorker({ openSubscriptions: () => ({ sse: 2 }) }),
    openWorker({ openSubscriptions: () => ({ sse: 3 }) }),
  ];
  const { read } = openPage([a.worker, b.worker]);
  for (const { onQuery, onCall, onRequest } of [a, b, b]) {
    onQuery('query', null, null);
    onCall('follow_get', 'ok', 20);
    onRequest(null, 200, 20);
  }
  expect(await read('queries_total')).toEqual({ '{type="query",operation="other",code="OK"}': 3 });
  expect(await read('upstream_calls_total')).toEqual({ '{command="follow_get",outcome="ok"}': 3 });
  expect(await read('request_duration_seconds_count')).toEqual({ '{operation="other",status="200"}': 3 });
  expect(await read('request_duration_seconds_bucket')).toMatchObject({
    '{le="0.01",operation="other",status="200"}': 0,
    '{le="0.025",operation="other",status="200"}': 3,
  });
  expect(await read('memory_bytes')).toMatchObject({ '{kind="page"}': 200, '{kind="counts"}': 20 });
  expect(await read('open_subscriptions')).toEqual({ '{transport="sse"}': 5 });
});

test('upstream calls per 1,000 queries are those of all, however the queries were spread', async () => {
  const [a, b, idle] = [openWorker(), openWorker(), openWorker()];
  const { read } = openPage([a.worker, b.worker, idle.worker]);
  expect(await read('upstream_calls_per_thousand_queries')).toEqual({ '': Number.NaN });
  for (let n = 0; n < 9; n++) a.onQuery('query', null, null);
  b.onQuery('query', null, null);
  b.onCall('follow_get', 'ok', 20);
  expect(await read('upstream_calls_per_thousand_queries')).toEqual({ '': 100 });
});

test('what is the same for all is not added up, and what one lacks nobody has', async () => {
  const none = { interactive: 0, revalidation: 0, priming: 0 };
  const budget = (shared: boolean, ratePerSecond: number, waiting: number) => () => ({
    follow_get: {
      waiting: { ...none, interactive: waiting },
      admitted: none,
      refused: none,
      ratePerSecond,
      shared,
      wasted: 0,
    },
  });
  const [a, b] = [
    openWorker({ redisIsUp: () => true, budget: budget(true, 136, 1), breakers: () => ({ follow_get: 'open' }) }),
    openWorker({ redisIsUp: () => false, budget: budget(false, 68, 2), breakers: () => ({ follow_get: 'closed' }) }),
  ];
  const { read } = openPage([a.worker, b.worker]);
  expect(await read('redis_up')).toEqual({ '': 0 });
  expect(await read('budget_shared')).toEqual({ '{command="follow_get"}': 0 });
  expect(await read('budget_calls_per_second')).toEqual({ '{command="follow_get"}': 136 });
  expect(await read('budget_waiting')).toMatchObject({ '{command="follow_get",priority="interactive"}': 3 });
  expect(await read('breaker_state')).toEqual({
    '{command="follow_get",state="closed"}': 1,
    '{command="follow_get",state="half-open"}': 0,
    '{command="follow_get",state="open"}': 1,
  });
});

test('what a worker had counted stays when it is gone, or does not answer, and what it held does not', async () => {
  const [a, b, c] = [openWorker(), openWorker(), openWorker()];
  let isSilent = false;
  const moody: MeasuredWorker = {
    measure: (): Promise<Snapshot> => (isSilent ? Promise.reject(new Error('no answer')) : b.worker.measure()),
  };
  const { serve, read } = openPage([a.worker, moody]);
  for (const { onQuery } of [a, b]) onQuery('query', null, null);
  const queries = (count: number) => ({ '{type="query",operation="other",code="OK"}': count });
  expect(await read('queries_total')).toEqual(queries(2));
  isSilent = true;
  b.onQuery('query', null, null);
  expect(await read('queries_total')).toEqual(queries(2));
  isSilent = false;

  c.onQuery('query', null, null);
  serve([c.worker, moody]);
  expect(await read('queries_total')).toEqual(queries(4));
  serve([c.worker]);
  expect(await Promise.all([read('queries_total'), read('queries_total')])).toEqual([queries(4), queries(4)]);
  expect(await read('queries_total')).toEqual(queries(4));
  expect(await read('memory_bytes')).toMatchObject({ '{kind="page"}': 100 });
  expect(await read('workers')).toEqual({ '': 1 });
  expect(await read('worker_restarts_total')).toEqual({ '': 2 });
});

test('each metric is on the page once', async () => {
  const [a, b] = [openWorker(), openWorker()];
  for (const { watchProcess } of [a, b]) watchProcess();
  const names = Array.from(
    (await openPage([a.worker, b.worker]).text()).matchAll(/^# TYPE (\S+)/gm),
    ([, name]) => name,
  );
  expect(names).toContain('process_resident_memory_bytes');
  expect(new Set(names).size).toBe(names.length);
});
