// One budget for all workers, through the process above them.
import { expect, onTestFinished, test } from 'vitest';
import { createBudget } from '../../src/tencent/budget.ts';
import { busiestSecond } from '../budget/start-budgets.ts';
import { createTestClock } from '../support/clock.ts';
import { startFellows } from './together.ts';

const RATE = 160;
/** What is planned of it. */
const PACE = 136;

function startBudgets(count: number) {
  const clock = createTestClock();
  const { workers } = startFellows(count, clock, { ratePerSecond: RATE });
  const budgets = workers.map(({ fellows, line }) => {
    const times: number[] = [];
    const budget = createBudget({
      link: null,
      fellows: fellows.budget,
      prefix: '',
      ratePerSecond: RATE,
      clock,
      report() {},
    });
    onTestFinished(() => budget.close());
    return {
      line,
      times,
      state: () => budget.state().follow_get,
      throttled: () => budget.throttled('follow_get'),
      ask(priority: 'interactive' | 'priming' = 'interactive'): void {
        const call = { signal: new AbortController().signal, deadlineAt: clock.now() + 10_000, priority };
        budget.admit('follow_get', call).then(
          () => times.push(clock.now()),
          () => {},
        );
      },
    };
  });
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1);
      // Question, answer, and what follows from it.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  /** Each of these asks twice in 5 ms, for `ms`. */
  async function rush(busy: readonly (typeof budgets)[number][], ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      for (const { ask } of busy) for (let n = 0; n < 2; n++) ask();
      await pass(5);
    }
  }
  const all = () => budgets.flatMap(({ times }) => times).sort((a, b) => a - b);
  return { clock, budgets, all, pass, rush };
}

test('in no second do workers in a rush go over the one budget, and each of them gets something of it', async () => {
  const { budgets, all, rush } = startBudgets(3);
  await rush(budgets, 3000);
  expect(busiestSecond(all())).toBeLessThanOrEqual(PACE + 4);
  expect(all().length).toBeGreaterThan(2.8 * PACE);
  for (const { times } of budgets) expect(times.length).toBeGreaterThan(0.5 * PACE);
  expect(budgets[0]?.state()).toMatchObject({ shared: true, ratePerSecond: expect.closeTo(PACE) });
});

test('a worker that is alone in its rush has what the idle ones do not use', async () => {
  const { budgets, all, rush } = startBudgets(4);
  await rush(budgets.slice(0, 1), 2000);
  expect(all().length).toBeGreaterThan(1.8 * PACE);
  expect(busiestSecond(all())).toBeLessThanOrEqual(PACE + 4);
});

test('what is done ahead of need gets only what nobody has a need for', async () => {
  const { budgets, pass, rush } = startBudgets(2);
  const [busy, idle] = budgets;
  for (let n = 0; n < 20; n++) idle?.ask('priming');
  await rush([busy as (typeof budgets)[number]], 1000);
  expect(idle?.times).toEqual([]);
  await pass(300);
  expect(busy?.times.length).toBeGreaterThan(PACE - 10);
});

test('"too often" to one worker stops them all for a second', async () => {
  const { clock, budgets, all, rush } = startBudgets(2);
  await rush(budgets, 1000);
  budgets[0]?.throttled();
  const since = clock.now();
  await rush(budgets, 3000);
  expect(all().filter((at) => at > since + 60 && at < since + 1000)).toEqual([]);
  const later = all().filter((at) => at >= since + 1500 && at < since + 2500).length;
  expect(later).toBeGreaterThan(0.6 * PACE);
  expect(later).toBeLessThan(0.8 * PACE);
});

test('without an answer from above each keeps to its share, and comes back to the shared one', async () => {
  const { clock, budgets, all, rush } = startBudgets(2);
  await rush(budgets, 1000);
  for (const { line } of budgets) line.isStuck = true;
  const since = clock.now();
  await rush(budgets, 3500);
  expect(budgets[0]?.state()).toMatchObject({ shared: false, ratePerSecond: expect.closeTo(PACE / 2) });
  expect(busiestSecond(all().filter((at) => at > since))).toBeLessThanOrEqual(PACE + 4);
  expect(all().filter((at) => at > since + 2000 && at <= since + 3000).length).toBeGreaterThan(PACE - 10);
  for (const { line } of budgets) line.isStuck = false;
  await rush(budgets, 2500);
  expect(budgets.map(({ state }) => state()?.shared)).toEqual([true, true]);
});
