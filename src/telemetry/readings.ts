// Metrics that are read at the moment of a scrape.
import { Counter, Gauge } from 'prom-client';
import type { BreakerState } from '../tencent/breaker.ts';
import type { BudgetState } from '../tencent/budget/budget.ts';
import type { Command } from '../tencent/wire.ts';

/** Values that are read at the moment of a scrape; null for what this gateway does not have. */
export type Readings = {
  memoryBytes(): Readonly<Record<string, number>>;
  breakers(): Partial<Record<Command, BreakerState>>;
  redisIsUp: (() => boolean) | null;
  budget: () => Partial<Record<Command, BudgetState>>;
};

/** Label values, in the order of the label names, and the value that belongs to them. */
type Sample = [labels: string[], value: number];

const BREAKER_STATES = ['closed', 'half-open', 'open'] as const satisfies BreakerState[];

/** Adds them to those of `metric`, which gives each its whole name and its registry. */
export function addReadings(
  metric: (name: string, help: string, labelNames: readonly string[]) => ConstructorParameters<typeof Gauge>[0],
  readings: Readings,
): void {
  const sampled = (
    Metric: typeof Gauge | typeof Counter,
    read: () => Sample[],
    ...options: Parameters<typeof metric>
  ) =>
    new Metric({
      ...metric(...options),
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.labels(...labels).inc(value);
      },
    });
  const { memoryBytes, breakers, redisIsUp } = readings;
  const bytes = () => Object.entries(memoryBytes()).map(([kind, value]): Sample => [[kind], value]);
  sampled(Gauge, bytes, 'memory_bytes', 'Estimated bytes in the memory tier.', ['kind']);
  if (redisIsUp) sampled(Gauge, () => [[[], Number(redisIsUp())]], 'redis_up', 'Whether Redis answers.', []);
  const breakerStates = () =>
    Object.entries(breakers()).flatMap(([command, current]) =>
      BREAKER_STATES.map((state): Sample => [[command, state], Number(state === current)]),
    );
  const breakerHelp = 'Circuit breaker of each command that was called: 1 for the state that it is in.';
  sampled(Gauge, breakerStates, 'breaker_state', breakerHelp, ['command', 'state']);

  const budgets = () => Object.entries(readings.budget());
  const byPriority = (what: 'waiting' | 'admitted' | 'refused') => () =>
    budgets().flatMap(([command, state]) =>
      Object.entries(state[what]).map(([priority, count]): Sample => [[command, priority], count]),
    );
  const byCommand = (what: 'limit' | 'used' | 'shared') => () =>
    budgets().map(([command, state]): Sample => [[command], Number(state[what])]);
  const priority = ['command', 'priority'];
  sampled(Counter, byPriority('admitted'), 'budget_admitted_total', 'Calls that the budget let go.', priority);
  const refusedHelp = 'Calls that the budget refused, since they had waited too long.';
  sampled(Counter, byPriority('refused'), 'budget_refused_total', refusedHelp, priority);
  sampled(Gauge, byPriority('waiting'), 'budget_waiting', 'Calls that wait for the budget now.', priority);
  const limitHelp = 'Calls that may go in any second now: of all replicas while shared, else of this one.';
  sampled(Gauge, byCommand('limit'), 'budget_limit', limitHelp, ['command']);
  const usedHelp = 'Calls of the last second, as far as this replica knows; of all replicas while shared.';
  sampled(Gauge, byCommand('used'), 'budget_used', usedHelp, ['command']);
  const sharedHelp = 'Whether the budget is shared with other replicas now; 0 for a local share.';
  sampled(Gauge, byCommand('shared'), 'budget_shared', sharedHelp, ['command']);
}
