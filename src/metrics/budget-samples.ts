// The budget as Prometheus sees it: what it let go, what it refused, what waits, and the limit that is kept.
import type { Registry } from 'prom-client';
import type { BudgetState } from '../tencent/budget/budget.ts';
import type { Command } from '../tencent/wire.ts';
import { type Sample, sampleCounter, sampleGauge } from './samples.ts';

export type BudgetReading = () => Partial<Record<Command, BudgetState>>;

export function sampleBudget(registry: Registry, budget: BudgetReading): void {
  const byPriority = (what: 'waiting' | 'admitted' | 'refused') => () =>
    Object.entries(budget()).flatMap(([command, state]) =>
      Object.entries(state[what]).map(([priority, count]): Sample => [[command, priority], count]),
    );
  const labelNames = ['command', 'priority'];
  sampleCounter(registry, {
    name: 'follow_gateway_budget_admitted_total',
    help: 'Calls that the budget let go.',
    labelNames,
    read: byPriority('admitted'),
  });
  sampleCounter(registry, {
    name: 'follow_gateway_budget_refused_total',
    help: 'Calls that the budget refused, since they had waited too long.',
    labelNames,
    read: byPriority('refused'),
  });
  sampleGauge(registry, {
    name: 'follow_gateway_budget_waiting',
    help: 'Calls that wait for the budget now.',
    labelNames,
    read: byPriority('waiting'),
  });
  sampleGauge(registry, {
    name: 'follow_gateway_budget_limit',
    help: 'Calls that may go in any second now: of all replicas together while the budget is shared, else of this one.',
    labelNames: ['command'],
    read: () => Object.entries(budget()).map(([command, { limit }]) => [[command], limit]),
  });
  sampleGauge(registry, {
    name: 'follow_gateway_budget_used',
    help: 'Calls that went in the last second, as far as this replica knows; of all replicas while the budget is shared.',
    labelNames: ['command'],
    read: () => Object.entries(budget()).map(([command, { used }]) => [[command], used]),
  });
  sampleGauge(registry, {
    name: 'follow_gateway_budget_shared',
    help: 'Whether the budget is shared with other replicas now; 0 for a local share.',
    labelNames: ['command'],
    read: () => Object.entries(budget()).map(([command, state]) => [[command], Number(state.shared)]),
  });
}
