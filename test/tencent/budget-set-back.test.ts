// A clock that is set back, as machines do when they find out what time it is, stops no calls.
import { expect, onTestFinished, test } from 'vitest';
import { createBudget } from '../../src/tencent/budget.ts';
import { type Pace, paceOf } from '../../src/tencent/budget-pace.ts';
import type { SharedPace } from '../../src/tencent/budget-script.ts';
import { createSlots } from '../../src/tencent/budget-slots.ts';
import { createTestClock } from '../support/clock.ts';

const HOUR_MS = 3_600_000;
const RATE = 100;

function openBudget(isShared: boolean) {
  const machine = createTestClock();
  let offMs = 0;
  // Timers go on as if nothing had happened.
  const clock = { ...machine, now: () => machine.now() + offMs };
  const shared = (pace: Pace): SharedPace => {
    const { reserve, look, cut } = createSlots(pace, clock);
    return { reserve: async (...asked) => reserve(...asked), look: async () => look(), cut: async () => cut() };
  };
  const budget = createBudget({
    link: null,
    fellows: isShared ? { count: 2, paceOf: (command) => shared(paceOf(command, RATE)) } : null,
    prefix: '',
    ratePerSecond: RATE,
    clock,
    report() {},
  });
  onTestFinished(() => budget.close());

  /** How many of `count` calls are let go within so many milliseconds. */
  async function admittedOf(count: number, withinMs: number): Promise<number> {
    let admitted = 0;
    for (let n = 0; n < count; n++)
      budget.admit('follow_get', { signal: new AbortController().signal, deadlineAt: clock.now() + 10_000 }).then(
        () => admitted++,
        () => {},
      );
    for (let passed = 0; passed < withinMs; passed += 5) {
      machine.advance(5);
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    return admitted;
  }

  return {
    admittedOf,
    throttled: () => budget.throttled('follow_get'),
    setBack(ms: number) {
      offMs -= ms;
    },
  };
}

test.each([
  ['alone', false],
  ['with other workers', true],
])('%s, calls go on at their pace when the clock is set back', async (_title, isShared) => {
  const { admittedOf, setBack } = openBudget(isShared);
  expect(await admittedOf(40, 1000)).toBe(40);
  setBack(HOUR_MS);
  expect(await admittedOf(40, 1000)).toBe(40);
  setBack(HOUR_MS);
  expect(await admittedOf(1000, 1000)).toBeLessThanOrEqual(RATE);
});

test.each([
  ['alone', false],
  ['with other workers', true],
])('%s, what the upstream has slowed down goes on when the clock is set back', async (_title, isShared) => {
  const { admittedOf, setBack, throttled } = openBudget(isShared);
  expect(await admittedOf(10, 500)).toBe(10);
  throttled();
  setBack(HOUR_MS);
  expect(await admittedOf(40, 2500)).toBe(40);
});
