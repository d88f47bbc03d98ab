// One command's budget in this process: asks the window while calls wait, and lets them go as it answers.
import { PRIORITIES } from '../../cache/single-flight.ts';
import { type Clock, monotonicMs, setAlarm } from '../../clock.ts';
import { GatewayError } from '../../errors.ts';
import type { CallOptions } from '../../follow/services.ts';
import { TransportFailure } from '../upstream-errors.ts';
import type { Command } from '../wire.ts';
import type { BudgetState } from './budget.ts';
import { createCallQueue } from './call-queue.ts';
import { type createWindow, WINDOW_MS, type WindowRequest } from './window.ts';

export type CommandLimiter = ReturnType<typeof createCommandLimiter>;

/** A replica that was given some lets the others ask before it asks for more, also when it is nearer to Redis. */
const YIELD_MS = 20;

export function createCommandLimiter(command: Command, window: ReturnType<typeof createWindow>, clock: Clock) {
  const queue = createCallQueue(clock, () => tooMany(command));
  /** One question at a time: calls that come meanwhile go with the next one. */
  let isAsking = false;
  /** Calls of this rank and those below need not ask before `until`. */
  let blocked = { rank: 0, until: Number.NEGATIVE_INFINITY };
  let isDecreasing = false;
  let seen = { used: 0, limit: 0, shared: false, at: Number.NEGATIVE_INFINITY };
  let disarm = () => {};
  let isClosed = false;

  function pump(): void {
    // The end of the question pumps again.
    if (isAsking || isClosed) return;
    disarm();
    const now = monotonicMs(clock);
    const lateAt = queue.refuseLate(now);
    const counts = queue.counts();
    const waiting = PRIORITIES.map((priority) => counts[priority]);
    const best = waiting.findIndex((count) => count > 0);
    const mustWait = best < 0 || (best >= blocked.rank && now < blocked.until);
    // Background work never comes in bursts: interactive calls of other replicas may be about to ask.
    if (!mustWait || isDecreasing)
      void ask({ waiting, even: best > 0 || queue.isStanding(now), decrease: isDecreasing });
    else if (best >= 0) disarm = setAlarm(clock, Math.max(1, Math.ceil(Math.min(lateAt, blocked.until) - now)), pump);
  }

  async function ask(request: WindowRequest): Promise<void> {
    isAsking = true;
    isDecreasing = false;
    const { waiting } = request;
    const { granted, nextInMs, ...rest } = await window.take(request, monotonicMs(clock));
    isAsking = false;
    const answeredAt = monotonicMs(clock);
    seen = { ...rest, at: answeredAt };
    queue.admit(granted);
    if (nextInMs > 0) {
      const rank = waiting.findIndex((_, rank) => sum(waiting.slice(0, rank + 1)) > granted);
      blocked = { rank, until: answeredAt + Math.max(nextInMs, granted > 0 ? YIELD_MS : 0) };
    }
    pump();
  }

  return {
    admit(call: CallOptions, again: boolean): Promise<void> {
      if (isClosed) return Promise.reject(new TransportFailure(command, 'closing'));
      const admitted = queue.join(call, again);
      pump();
      return admitted;
    },

    decreaseRate(): void {
      isDecreasing = true;
      pump();
    },

    state(): BudgetState {
      const { used, limit, shared, at } = seen;
      return {
        ...{ limit, shared },
        used: monotonicMs(clock) - at < WINDOW_MS ? used : 0,
        waiting: queue.counts(),
        ...structuredClone(queue.totals),
      };
    },

    close(): void {
      isClosed = true;
      disarm();
      queue.refuseAll(new TransportFailure(command, 'closing'));
    },
  };
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

function tooMany(command: Command): GatewayError {
  return new GatewayError('THROTTLED', 'Too much is asked of the upstream just now. Try again in a moment.', {
    upstream: { command, retryable: true, retryAfterMs: WINDOW_MS },
  });
}
