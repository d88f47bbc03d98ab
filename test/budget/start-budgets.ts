// Budgets of some replicas on one real Redis and one clock that the test turns.
import { beforeAll, onTestFinished } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import { type BudgetOptions, createBudget } from '../../src/tencent/budget/budget.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { createTestClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';
import { createTurnedLinks } from './turned-link.ts';

let url: string;
let prefixes = 0;

beforeAll(async () => {
  const redis = await startRedis();
  url = redis.url;
  return redis.close;
});

export type Priority = 'interactive' | 'revalidation' | 'priming';
type Ask = { priority?: Priority; deadlineMs?: number; signal?: AbortSignal; command?: Command; again?: boolean };

/** Replicas on one Redis and one clock; without `replicas` a single process that has no Redis. */
export async function startBudgets(count: number | 'alone', options: Partial<BudgetOptions> = {}) {
  const clock = createTestClock();
  const links = createTurnedLinks(url, clock);
  const prefix = `budget-test-${process.pid}-${prefixes++}`;
  const replicas = Array.from({ length: count === 'alone' ? 1 : count }, () => {
    const link = links.open();
    const reports: string[] = [];
    const budget = createBudget({
      link: count === 'alone' ? null : link,
      prefix,
      ratePerSecond: 180,
      clock,
      report: (message) => reports.push(message),
      ...options,
    });
    onTestFinished(budget.close);
    const admitted: { at: number; waitedMs: number; priority: Priority; again: boolean }[] = [];
    const refused: { at: number; waitedMs: number; error: GatewayError }[] = [];

    return {
      link,
      budget,
      reports,
      admitted,
      refused,
      ask({
        priority = 'interactive',
        deadlineMs = 10_000,
        signal,
        command = 'follow_get',
        again = false,
      }: Ask = {}): Promise<void> {
        const since = clock.now();
        const call = { signal: signal ?? new AbortController().signal, deadlineAt: since + deadlineMs, priority };
        const asked = budget.admit(command, call, again);
        asked.then(
          () => admitted.push({ at: clock.now(), waitedMs: clock.now() - since, priority, again }),
          (error) => refused.push({ at: clock.now(), waitedMs: clock.now() - since, error }),
        );
        return asked.catch(() => {});
      },
      state: () => budget.state().follow_get,
    };
  });
  await links.settle();
  const [first] = replicas as [(typeof replicas)[number]];
  return { clock, ...links, prefix, replicas, first };
}

export type Replica = Awaited<ReturnType<typeof startBudgets>>['first'];

export const timesOf = (replicas: readonly Replica[]) =>
  replicas.flatMap(({ admitted }) => admitted.map(({ at }) => at)).sort((a, b) => a - b);

/** The most calls in any window of `ms`. */
export function busiest(times: readonly number[], ms: number): number {
  let first = 0;
  return times.reduce((max, at, last) => {
    while ((times[first] as number) <= at - ms) first++;
    return Math.max(max, last - first + 1);
  }, 0);
}

export const between = (times: readonly number[], from: number, to: number) =>
  times.filter((at) => at >= from && at < to).length;

/** Asks `perSecond` times a second, for `ms`. */
export async function rush(replicas: readonly Replica[], pass: (ms: number) => Promise<void>, ms: number, perTick = 2) {
  for (let passed = 0; passed < ms; passed += 5) {
    for (const replica of replicas) for (let n = 0; n < perTick; n++) void replica.ask();
    await pass(5);
  }
}
