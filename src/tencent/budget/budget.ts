// The budget: a number of calls of each command in any second that is not exceeded, over all replicas together, as the upstream counts.
import { randomUUID } from 'node:crypto';
import type { RedisLink } from '../../cache/redis-link.ts';
import type { Priority } from '../../cache/single-flight.ts';
import type { Clock } from '../../clock.ts';
import type { CallOptions } from '../../follow/services.ts';
import { createOccasionalReport, type Report } from '../../report.ts';
import type { Command } from '../wire.ts';
import { type CommandLimiter, createCommandLimiter } from './command-limiter.ts';
import { createWindow } from './window.ts';

export type BudgetOptions = {
  /** Where the replicas share the budget; null for a process that is alone. */
  link: RedisLink | null;
  /** Begins every key in Redis, before a colon; the same on all replicas. */
  prefix: string;
  /** The most calls of one command in any second, for commands that the upstream allows 200 (CONTRACT 1.6). */
  ratePerSecond: number;
  clock: Clock;
  report: Report;
};

export type PriorityCounts = Record<Priority, number>;

/** One command's budget, for metrics. */
export type BudgetState = {
  /** Calls that may go in a window now: of all replicas together while `shared`, else of this one. */
  limit: number;
  /** Calls that went in the last window, as far as this replica knows. */
  used: number;
  /** Whether the replicas count together through Redis. */
  shared: boolean;
  waiting: PriorityCounts;
  admitted: PriorityCounts;
  refused: PriorityCounts;
};

export type Budget = ReturnType<typeof createBudget>;

/** Creates the budget of this process. */
export function createBudget({ link, prefix, ratePerSecond, clock, report }: BudgetOptions) {
  const replica = randomUUID();
  const limiters = new Map<Command, CommandLimiter>();
  const reportOnce = createOccasionalReport(report, clock);

  function limiterOf(command: Command): CommandLimiter {
    let limiter = limiters.get(command);
    if (limiter) return limiter;
    const limit = Math.max(1, Math.round(rateOf(command, ratePerSecond)));
    // One hash tag, so that a cluster has all of a command's keys on one node.
    const window = createWindow(link, `${prefix}:budget:{${command}}`, limit, replica);
    limiter = createCommandLimiter(command, window, clock);
    limiters.set(command, limiter);
    return limiter;
  }

  return {
    /**
     * Resolves when the call may go: interactive calls in their order, then revalidation, then priming. Rejects with
     * `THROTTLED` and `retryAfterMs` when the call has waited too long, and with the signal's reason when that aborts.
     * A call that went and was refused as one too many goes `again`: first of all, and patient until its deadline.
     */
    admit: (command: Command, call: CallOptions, again = false): Promise<void> => limiterOf(command).admit(call, again),
    /** The upstream refused a call as one too many: all replicas go on more slowly for a while. */
    throttled(command: Command): void {
      reportOnce(command, TOO_OFTEN, { command });
      limiterOf(command).decreaseRate();
    },
    /** Every command that was ever asked for. */
    state: (): Partial<Record<Command, BudgetState>> =>
      Object.fromEntries([...limiters].map(([command, limiter]) => [command, limiter.state()])),
    /** Refuses all calls that wait; close the link after it. */
    close(): void {
      for (const limiter of limiters.values()) limiter.close();
    },
  };
}

function rateOf(command: Command, ratePerSecond: number): number {
  // Two a second leave no margin: other programs that use the app's search have to leave one.
  if (command === 'search') return Math.min(2, ratePerSecond);
  return command === 'account_check' || command === 'multiaccount_import' ? ratePerSecond / 2 : ratePerSecond;
}

const TOO_OFTEN =
  'the upstream is asked too often, by this gateway or by others that use the app: calls go more slowly now';
