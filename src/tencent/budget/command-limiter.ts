// One command's budget in this process: asks the window while calls wait, and lets them go as it answers.
import type { RedisLink } from '../../cache/redis-link.ts';
import { type Clock, monotonicMs, setAlarm } from '../../clock.ts';
import { GatewayError } from '../../errors.ts';
import type { CallOptions } from '../../follow/services.ts';
import type { Command } from '../wire.ts';
import type { BudgetState, PriorityCounts } from './budget.ts';
import { createCallQueue, PRIORITIES } from './call-queue.ts';
import { createLocalWindow, createSharedWindow, WINDOW_MS, type WindowAnswer, type WindowRequest } from './window.ts';

export type CommandLimiterOptions = {
  command: Command;
  /** Begins the command's keys in Redis. */
  key: string;
  /** Calls in a window, of all replicas together. */
  limit: number;
  link: RedisLink | null;
  replicas: () => number;
  clock: Clock;
  onChange: (change: 'shared' | 'local' | 'throttled') => void;
};

export type CommandLimiter = ReturnType<typeof createCommandLimiter>;

/** Asking Redis more often than this gains nothing: what has become free meanwhile is granted together. */
const MIN_PAUSE_MS = 5;
/** How often to look whether Redis is back. */
const LOOK_MS = 500;
/** A replica that is back also keeps to its own part for so long: others may not have noticed yet. */
const SETTLE_MS = 2500;

export function createCommandLimiter(options: CommandLimiterOptions) {
  const { command, key, limit, link, replicas, clock, onChange } = options;
  const totals = { admitted: PRIORITIES.map(() => 0), refused: PRIORITIES.map(() => 0) };
  const queue = createCallQueue({
    clock,
    refusal: () => tooMany(command),
    settled(how, rank) {
      totals[how][rank] = (totals[how][rank] ?? 0) + 1;
    },
  });
  const local = createLocalWindow(limit, replicas);
  const shared = link && createSharedWindow(link, key, limit);

  let isShared = shared !== null;
  let settlingUntil = Number.NEGATIVE_INFINITY;
  let lookAt = 0;
  /** One script at a time: calls that come meanwhile go with the next one. */
  let isAsking = false;
  /** Calls of this rank and those below need not ask before `until`. */
  let blocked = { rank: 0, until: Number.NEGATIVE_INFINITY };
  let isDecreasing = false;
  let seen = { used: 0, limit, at: Number.NEGATIVE_INFINITY };
  let timer: { at: number; callOff(): void } | undefined;
  let isClosed = false;

  function pump(): void {
    if (isClosed) return;
    const now = monotonicMs(clock);
    const nextLimit = queue.refuseLate(now);
    const waiting = queue.counts();
    const best = waiting.findIndex((count) => count > 0);
    const isBlocked = best >= blocked.rank && now < blocked.until;
    if (isAsking || (!isDecreasing && (best < 0 || isBlocked))) {
      arm(best >= 0 && isBlocked ? Math.min(nextLimit, blocked.until) : nextLimit, now);
      return;
    }
    const request = { waiting, even: queue.isStanding(now), decrease: isDecreasing };
    isDecreasing = false;
    if (isShared) void askShared(request, now).then(pump);
    else {
      if (shared && now >= lookAt) void look(now);
      hear(waiting, local.take(request, now), 0);
      pump();
    }
  }

  async function askShared(request: WindowRequest, now: number): Promise<void> {
    let wanted = request.waiting;
    if (now < settlingUntil) {
      const own = local.take(request, now);
      wanted = firstOf(wanted, own.granted);
      if (own.granted === 0) hear(request.waiting, own, 0);
      if (own.granted === 0 && !request.decrease) return;
    }
    isAsking = true;
    const answer = await shared?.take({ ...request, waiting: wanted });
    isAsking = false;
    if (answer) hear(wanted, answer, MIN_PAUSE_MS);
    else leaveShared();
  }

  function hear(wanted: readonly number[], { granted, nextInMs, used, limit }: WindowAnswer, pauseMs: number): void {
    const now = monotonicMs(clock);
    seen = { used, limit, at: now };
    queue.admit(granted);
    if (nextInMs === 0) return;
    const left = wanted.findIndex((_, rank) => sum(wanted.slice(0, rank + 1)) > granted);
    blocked = { rank: left, until: now + Math.max(nextInMs, pauseMs) };
  }

  function leaveShared(): void {
    const now = monotonicMs(clock);
    isShared = false;
    lookAt = now + LOOK_MS;
    local.fill(now);
    onChange('local');
  }

  async function look(now: number): Promise<void> {
    lookAt = Number.POSITIVE_INFINITY;
    const answer = await shared?.take({ waiting: PRIORITIES.map(() => 0), even: false, decrease: false });
    lookAt = now + LOOK_MS;
    if (!answer || isClosed) return;
    isShared = true;
    settlingUntil = monotonicMs(clock) + SETTLE_MS;
    onChange('shared');
    pump();
  }

  function arm(at: number, now: number): void {
    if (timer && timer.at === at) return;
    timer?.callOff();
    timer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const callOff = setAlarm(clock, Math.max(1, Math.ceil(at - now)), () => {
      timer = undefined;
      pump();
    });
    timer = { at, callOff };
  }

  return {
    admit(call: CallOptions, again: boolean): Promise<void> {
      if (isClosed) return Promise.reject(closing(command));
      const admitted = queue.join(call, again);
      pump();
      return admitted;
    },

    decreaseRate(): void {
      isDecreasing = true;
      onChange('throttled');
      pump();
    },

    state(): BudgetState {
      const isRecent = monotonicMs(clock) - seen.at < WINDOW_MS;
      return {
        limit: seen.limit,
        used: isRecent ? seen.used : 0,
        shared: isShared,
        waiting: byPriority(queue.counts()),
        admitted: byPriority(totals.admitted),
        refused: byPriority(totals.refused),
      };
    },

    close(): void {
      isClosed = true;
      timer?.callOff();
      queue.refuseAll(closing(command));
    },
  };
}

function byPriority([interactive = 0, revalidation = 0, priming = 0]: readonly number[]): PriorityCounts {
  return { interactive, revalidation, priming };
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

/** The first `count` of the calls that wait, by rank. */
function firstOf(waiting: readonly number[], count: number): number[] {
  let left = count;
  return waiting.map((wanted) => {
    const taken = Math.min(wanted, left);
    left -= taken;
    return taken;
  });
}

function tooMany(command: Command): GatewayError {
  return new GatewayError('THROTTLED', 'Too much is asked of the upstream just now. Try again in a moment.', {
    upstream: { command, retryable: true, retryAfterMs: WINDOW_MS },
  });
}

function closing(command: Command): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', 'The gateway is shutting down. Try again in a moment.', {
    upstream: { command, retryable: true },
  });
}
