// The budget as an operator sees it: what it let go, what it refused, and what waits.
import { expect, onTestFinished, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import { createTestClock } from '../support/clock.ts';
import { only, readSamples } from './scrape.ts';

test('the budget is told by command and priority', async () => {
  const clock = createTestClock();
  const budget = createBudget({ link: null, prefix: '', ratePerSecond: 10, clock, report() {} });
  onTestFinished(() => budget.close());
  const { registry } = createMetrics({
    knownOperations: [],
    readings: {
      memoryBytes: () => ({ page: 0, counts: 0, profile: 0, relation: 0 }),
      breakers: () => ({}),
      redisIsUp: null,
      openSubscriptions: () => ({}),
      budget: budget.state,
    },
  });
  const ask = (priority: 'interactive' | 'priming', deadlineMs: number) => {
    const asked = budget.admit('follow_get', {
      signal: new AbortController().signal,
      deadlineAt: clock.now() + deadlineMs,
      priority,
    });
    asked.catch(() => {});
    return asked;
  };

  await ask('interactive', 10_000);
  for (let n = 0; n < 100; n++) void ask('interactive', 1000);
  const refused = ask('priming', 1);
  clock.advance(1);
  await expect(refused).rejects.toMatchObject({ code: 'THROTTLED' });

  const samples = readSamples(await registry.metrics());
  const state = budget.state().follow_get;
  for (const [name, counts] of [
    ['budget_admitted_total', state?.admitted],
    ['budget_refused_total', state?.refused],
    ['budget_waiting', state?.waiting],
  ] as const) {
    expect(only(samples, name), name).toEqual({
      '{command="follow_get",priority="interactive"}': counts?.interactive,
      '{command="follow_get",priority="revalidation"}': 0,
      '{command="follow_get",priority="priming"}': counts?.priming,
    });
  }
  expect(state?.admitted.interactive).toBeGreaterThan(0);
  expect(state?.waiting.interactive).toBeGreaterThan(0);
  expect(state?.refused).toMatchObject({ priming: 1 });
  expect(only(samples, 'budget_shared')).toEqual({ '{command="follow_get"}': 0 });
  expect(only(samples, 'budget_limit')).toEqual({ '{command="follow_get"}': 10 });
  expect(only(samples, 'budget_used')).toEqual({ '{command="follow_get"}': 10 });
});
