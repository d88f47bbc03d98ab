// The budget: a number of calls of each command in any second that is not exceeded, over all replicas together, as the upstream counts.
import { randomUUID } from 'node:crypto';
import type { RedisLink } from '../../cache/redis-link.ts';
import { PRIORITIES } from '../../cache/single-flight.ts';
import type { Clock } from '../../clock.ts';
import type { CallOptions } from '../../follow/services.ts';
import { TransportFailure } from '../upstream-errors.ts';
import type { Command } from '../wire.ts';
import { createCallQueue } from './call-queue.ts';
import { createWindow, WINDOW_MS, type WindowRequest } from './window.ts';

export type BudgetOptions = {
  /** Where the replicas share the budget; null for a process that is alone. */
  link: RedisLink | null;
  /** Begins every key in Redis, before a colon; the same on all replicas. */
  prefix: string;
  /** The most calls of one command in any second, for commands that the upstream allows 200 (CONTRACT 1.6). */
  ratePerSecond: number;
  clock: Clock;
};

/** One command's budget, for metrics. */
export type BudgetState = ReturnType<CommandLimiter['state']>;

export type Budget = ReturnType<typeof createBudget>;

/** Creates the budget of this process. */
export function createBudget({ link, prefix, ratePerSecond, clock }: BudgetOptions) {
  const replica = randomUUID();
  const limiters = new Map<Command, CommandLimiter>();

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
    throttled: (command: Command): void => limiterOf(command).decreaseRate(),
    /** Every command that was ever asked for. */
    state: (): Partial<Record<Command, BudgetState>> =>
      Object.fromEntries([...limiters].map(([command, limiter]) => [command, limiter.state()])),
  };
}

function rateOf(command: Command, ratePerSecond: number): number {
  // Two a second leave no margin: other programs that use the app's search have to leave one.
  if (command === 'search') return Math.min(2, ratePerSecond);
  return command === 'account_check' || command === 'multiaccount_import' ? ratePerSecond / 2 : ratePerSecond;
}

type CommandLimiter = ReturnType<typeof createCommandLimiter>;

/** A replica that was given some lets the others ask before it asks for more, also when it is nearer to Redis. */
const YIELD_MS = 20;

function createCommandLimiter(command: Command, window: ReturnType<typeof createWindow>, clock: Clock) {
  const queue = createCallQueue(
    clock,
    () => new TransportFailure(command, 'too many calls', { retryAfterMs: WINDOW_MS }),
  );
  /** One question at a time: calls that come meanwhile go with the next one. */
  let isAsking = false;
  /** Calls of this rank and those below need not ask before `until`. */
  let blocked = { rank: 0, until: Number.NEGATIVE_INFINITY };
  let isDecreasing = false;
  let seen = { used: 0, limit: 0, shared: false, at: Number.NEGATIVE_INFINITY };
  let disarm = () => {};

  function pump(): void {
    // The end of the question pumps again.
    if (isAsking) return;
    disarm();
    const now = clock.monotonicMs();
    const best = queue.bestRank();
    const mustWait = best < 0 || (best >= blocked.rank && now < blocked.until);
    if (!mustWait || isDecreasing) {
      const counts = queue.counts();
      const waiting = PRIORITIES.map((priority) => counts[priority]);
      // Background work never comes in bursts: interactive calls of other replicas may be about to ask.
      void ask({ waiting, even: best > 0 || queue.isStanding(now), decrease: isDecreasing });
    } else if (best >= 0) {
      const until = Math.min(queue.refuseLate(now), blocked.until);
      disarm = clock.alarm(Math.max(1, Math.ceil(until - now)), pump);
    }
  }

  async function ask(request: WindowRequest): Promise<void> {
    isAsking = true;
    isDecreasing = false;
    const { waiting } = request;
    const { granted, nextInMs, ...rest } = await window.take(request, clock.monotonicMs());
    isAsking = false;
    const answeredAt = clock.monotonicMs();
    seen = { ...rest, at: answeredAt };
    queue.admit(granted);
    if (nextInMs > 0) {
      const rank = waiting.findIndex((_, rank) => sum(waiting.slice(0, rank + 1)) > granted);
      blocked = { rank, until: answeredAt + Math.max(nextInMs, granted > 0 ? YIELD_MS : 0) };
      queue.refuseLate(answeredAt);
    } else queue.noteRoom(answeredAt);
    pump();
  }

  return {
    admit(call: CallOptions, again: boolean): Promise<void> {
      const admitted = queue.join(call, again);
      pump();
      return admitted;
    },

    decreaseRate(): void {
      isDecreasing = true;
      pump();
    },

    state() {
      const { used, limit, shared, at } = seen;
      return {
        /** Calls that may go in a window now: of all replicas together while `shared` through Redis, else of this one. */
        limit,
        shared,
        /** Calls that went in the last window, as far as this replica knows. */
        used: clock.monotonicMs() - at < WINDOW_MS ? used : 0,
        waiting: queue.counts(),
        ...structuredClone(queue.totals),
      };
    },
  };
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
