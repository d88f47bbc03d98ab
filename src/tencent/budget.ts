// The budget: how many calls of each command may go in any second, all replicas together (contract 1.6).
import type { RedisLink } from '../cache/redis-link.ts';
import type { Clock } from '../clock.ts';
import type { CallOptions } from '../follow/services.ts';
import { createLane, type Lane } from './budget-lane.ts';
import { type Pace, PRIORITIES, paceOf } from './budget-pace.ts';
import { type Priority, type PriorityCounts, toCounts } from './budget-queue.ts';
import { createReplicaCount } from './budget-replicas.ts';
import { createSharedPace, type SharedPace } from './budget-script.ts';
import { createOccasionalReport, type Report } from './report.ts';
import type { Command } from './wire.ts';

export type BudgetOptions = {
  /** Where the replicas share the budget; null when there is no such place. */
  link: RedisLink | null;
  /** Begins every key in Redis, before a colon; the same on all replicas. */
  prefix: string;
  /**
   * The most calls of one command in any second, as the upstream counts them; the upstream itself allows 200, and
   * account_check, of which it allows half, gets half (contract 1.6).
   */
  ratePerSecond: number;
  clock: Clock;
  report: Report;
  /** How long a call may wait, in milliseconds, if its deadline allows; those that nobody waits for less long. */
  maxWaitMs?: { interactive: number; background: number };
  /** Told of every decision, for metrics. */
  onEvent?: (event: BudgetEvent) => void;
  /** At least 0, below 1. */
  random?: () => number;
};

export type BudgetEvent = { command: Command } & (
  | { kind: 'admitted'; priority: Priority; waitedMs: number }
  | { kind: 'refused'; priority: Priority; retryAfterMs: number }
  /** The upstream said "too often" and the pace was cut; or the budget is now shared, or a local share. */
  | { kind: 'throttled' | 'shared' | 'local' }
);

export type BudgetState = {
  waiting: PriorityCounts;
  admitted: PriorityCounts;
  refused: PriorityCounts;
  /** The pace that is kept now: of all replicas together when `shared`, else of this one. */
  ratePerSecond: number;
  /** Whether slots come from where all share them. */
  shared: boolean;
  /** Slots that were given up, since this process came too late for them. */
  wasted: number;
};

export type Budget = {
  /** Begins to count the replicas, once Redis is connected; the first call does so too. */
  start(): void;
  /**
   * Resolves when the call may go. Interactive calls go first, then revalidation, then priming, which both get only
   * what no replica has an interactive call for. Rejects with `THROTTLED` and `retryAfterMs` as soon as it is known that
   * the call cannot go in time, and with the signal's reason when that aborts.
   */
  admit(command: Command, call: CallOptions): Promise<void>;
  /**
   * An admitted call has ended, however. When the upstream falls silent, calls are held back for a moment, since
   * whatever is sent meanwhile would arrive all at once.
   */
  answered(command: Command): void;
  /** The call that was admitted last is not made after all. */
  withdrawn(command: Command): void;
  /** The upstream said "too often" (60007 and its kin): all replicas stop for a second, then go on more slowly. */
  throttled(command: Command): void;
  /** Every command that was ever asked for. */
  state(): Partial<Record<Command, BudgetState>>;
  /** Refuses all that wait, and takes this replica out of the count; close the link after it. */
  close(): Promise<void>;
};

/** Creates the budget of this process. */
export function createBudget(options: BudgetOptions): Budget {
  const { link, prefix, ratePerSecond, clock, random = Math.random, onEvent = () => {} } = options;
  const { maxWaitMs = { interactive: 2000, background: 500 } } = options;
  const report = createOccasionalReport(options.report, clock);
  const replicas = createReplicaCount(link, `${prefix}:budget:replicas`, clock);
  const sharedPace = (command: Command, pace: Pace): SharedPace | null =>
    link ? createSharedPace(link, `${prefix}:budget:${command}`, pace, clock) : null;
  const lanes = new Map<Command, { lane: Lane; admitted: number[]; refused: number[] }>();

  function openLane(command: Command) {
    const pace = paceOf(command, ratePerSecond);
    const totals = { admitted: PRIORITIES.map(() => 0), refused: PRIORITIES.map(() => 0) };
    const lane = createLane({
      command,
      pace,
      shared: sharedPace(command, pace),
      replicas: replicas.current,
      clock,
      random,
      maxWaitMs: [maxWaitMs.interactive, maxWaitMs.background, maxWaitMs.background],
      settled(kind, priority, ms) {
        const rank = PRIORITIES.indexOf(priority);
        totals[kind][rank] = (totals[kind][rank] ?? 0) + 1;
        onEvent({ command, priority, ...(kind === 'admitted' ? { kind, waitedMs: ms } : { kind, retryAfterMs: ms }) });
      },
      changed(kind) {
        report(`${command} ${kind}`, CHANGES[kind], { command, replicas: replicas.current() });
        onEvent({ command, kind });
      },
    });
    const opened = { lane, ...totals };
    lanes.set(command, opened);
    return opened;
  }

  const laneOf = (command: Command) => (lanes.get(command) ?? openLane(command)).lane;

  return {
    start: replicas.start,
    admit(command, call) {
      replicas.start();
      return laneOf(command).admit(call);
    },
    answered: (command) => laneOf(command).answered(),
    withdrawn: (command) => laneOf(command).withdrawn(),
    throttled: (command) => laneOf(command).throttled(),
    state: () =>
      Object.fromEntries(
        [...lanes].map(([command, { lane, admitted, refused }]) => [
          command,
          { ...lane.state(), admitted: toCounts(admitted), refused: toCounts(refused) },
        ]),
      ),
    async close() {
      for (const { lane } of lanes.values()) lane.close();
      await replicas.close();
    },
  };
}

const CHANGES = {
  throttled: 'the upstream says that it is asked too often: calls stop for a second and go on more slowly',
  local: 'what the budget is shared through does not answer: this process keeps to its own share of it',
  shared: 'the budget is shared again',
};
