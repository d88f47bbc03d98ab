// One page for all workers: it adds up, also over the death of one.
import { expect, test } from 'vitest';
import { connectToEach, pidOf, startWorkers } from './start-workers.ts';

/** The values of a metric by its labels. */
async function read(url: string, name: string): Promise<Record<string, number>> {
  const text = await (await fetch(url)).text();
  const lines = text.matchAll(new RegExp(`^follow_gateway_${name}(\\{.*\\})? (\\S+)$`, 'gm'));
  return Object.fromEntries(Array.from(lines, ([, labels = '', value]) => [labels, Number(value)]));
}

test('the page adds up what the workers have counted, and a worker that dies takes nothing along', async () => {
  const gateway = await startWorkers({ METRICS_PORT: '0' });
  const [, page = ''] = await gateway.said(/"url":"(http:[^"]+\/metrics)"/);
  const connections = await connectToEach(gateway);
  const asked = () => read(page, 'queries_total');
  const before = Object.values(await asked()).reduce((sum, count) => sum + count, 0);
  for (const { ask } of connections) for (let n = 0; n < 3; n++) await ask('{ user(id: "UserID_001") { nick } }');
  const all = { '{type="query",operation="other",code="OK"}': before + 6 };
  expect(await asked()).toEqual(all);
  expect(await read(page, 'upstream_calls_total')).toEqual({ '{command="portrait_get",outcome="ok"}': 2 });
  expect(await read(page, 'upstream_calls_per_thousand_queries')).toEqual({ '': (2 / (before + 6)) * 1000 });
  expect(await read(page, 'breaker_state')).toMatchObject({ '{command="portrait_get",state="closed"}': 2 });
  expect(await read(page, 'budget_shared')).toEqual({ '{command="portrait_get"}': 1 });
  expect(await read(page, 'budget_calls_per_second')).toEqual({ '{command="portrait_get"}': 136 });
  expect(await read(page, 'workers')).toEqual({ '': 2 });
  expect(await read(page, 'worker_restarts_total')).toEqual({ '': 0 });

  process.kill(await pidOf(gateway, 1), 'SIGKILL');
  await pidOf(gateway, 1, 2);
  expect(await asked()).toEqual(all);
  expect(await read(page, 'workers')).toEqual({ '': 2 });
  expect(await read(page, 'worker_restarts_total')).toEqual({ '': 1 });
});
