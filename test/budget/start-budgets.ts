// Budgets of some replicas on one real Redis and one clock that the test turns.
import { beforeAll } from 'vitest';
import type { Priority } from '../../src/cache/single-flight.ts';
import type { GatewayError } from '../../src/errors.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { createTestClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';
import { createTurnedLinks } from './turned-link.ts';

/** What the gateway keeps to by default, of the 200 that the upstream allows. */
export const RATE = 180;

let url: string;
let prefixes = 0;

beforeAll(async () => {
  const redis = await startRedis();
  url = redis.url;
  return redis.close;
});

type Ask = { priority?: Priority; deadlineMs?: number; signal?: AbortSignal; command?: Command; again?: boolean };
type Outcome = { at: number; waitedMs: number; priority: Priority; again: boolean };

export type Replica = Awaited<ReturnType<typeof startBudgets>>['first'];

/** Replicas on one Redis and one clock, or `alone` a single process that has no Redis. */
export async function startBudgets(count: number | 'alone', ratePerSecond = RATE) {
  const clock = createTestClock();
  const links = createTurnedLinks(url, clock);
  const prefix = `budget-test-${process.pid}-${prefixes++}`;
  const replicas = Array.from({ length: count === 'alone' ? 1 : count }, () => {
    const link = links.open();
    const budget = createBudget({ link: count === 'alone' ? null : link, prefix, ratePerSecond, clock });
    const admitted: Outcome[] = [];
    const refused: (Outcome & { error: GatewayError })[] = [];

    /** Asks for leave; what comes of it is noted. */
    function ask({
      priority = 'interactive',
      deadlineMs = 10_000,
      signal,
      command = 'follow_get',
      again = false,
    }: Ask = {}) {
      const since = clock.now();
      const call = { signal: signal ?? new AbortController().signal, deadlineAt: since + deadlineMs, priority };
      const outcome = () => ({ at: clock.now(), waitedMs: clock.now() - since, priority: call.priority, again });
      budget.admit(command, call, again).then(
        () => admitted.push(outcome()),
        (error) => refused.push({ ...outcome(), error }),
      );
      return call;
    }
    /** The same many times. */
    function askTimes(times: number, asking: Ask = {}) {
      for (let n = 0; n < times; n++) ask(asking);
    }
    return { link, budget, admitted, refused, ask, askTimes, state: () => budget.state().follow_get };
  });
  await links.settle();
  const [first] = replicas as [(typeof replicas)[number]];

  /** Lets time pass, and has something done at the beginning of each step of it. */
  async function passDoing(ms: number, stepMs: number, act: () => void): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      act();
      await links.pass(stepMs);
    }
  }
  /** Has replicas ask for leave every 5 ms, `perTick` times each. */
  const rush = (some: readonly Pick<(typeof replicas)[number], 'askTimes'>[], ms: number, perTick = 2) =>
    passDoing(ms, 5, () => {
      for (const { askTimes } of some) askTimes(perTick);
    });
  const times = () => timesOf(replicas);
  return { clock, pass: links.pass, passDoing, rush, replicas, first, times };
}

const timesOf = (replicas: readonly { admitted: readonly Outcome[] }[]) =>
  replicas.flatMap(({ admitted }) => admitted.map(({ at }) => at)).sort((a, b) => a - b);

export const between = (times: readonly number[], from: number, to: number) =>
  times.filter((at) => at >= from && at < to).length;
