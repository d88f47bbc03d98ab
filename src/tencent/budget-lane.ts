// One command's budget in this process: asks for slots while calls wait, and lets the next call go when one is due.
import { type Clock, setAlarm, watchClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import { createForecast } from './budget-forecast.ts';
import { createBackOff, createLocalPace, type Pace } from './budget-pace.ts';
import { createPromised } from './budget-promised.ts';
import { createQueue, type QueueOptions } from './budget-queue.ts';
import type { SharedAnswer, SharedPace } from './budget-script.ts';
import { createSharing } from './budget-sharing.ts';
import { createStandstill } from './budget-standstill.ts';
import type { Command } from './wire.ts';

export type LaneOptions = Omit<QueueOptions, 'outlook'> & {
  pace: Pace;
  /** Null when there is nobody to share with. */
  shared: SharedPace | null;
  replicas: () => number;
  clock: Clock;
  random: () => number;
  changed: (to: 'shared' | 'local' | 'throttled') => void;
};

export type Lane = ReturnType<typeof createLane>;

/** Clocks tell whole milliseconds: what is due within this one is due. */
const CLOCK_STEP_MS = 1;

export function createLane(options: LaneOptions) {
  const { command, pace, shared, replicas, clock, random, changed } = options;
  const backOff = createBackOff();
  const local = createLocalPace(pace, backOff, replicas);
  const queue = createQueue({ ...options, outlook });
  const standstill = createStandstill();
  const forecast = createForecast(pace, replicas, random);
  const promised = createPromised(replicas);
  const sharing = createSharing(options);
  const { isShared } = sharing;

  // How many slots are being asked for, and how often a cut has made void what was asked before.
  let asking = 0;
  let round = 0;

  let timer: { at: number; callOff(): void } | undefined;
  let closed = false;

  // What was planned lies too far ahead by a clock that has been set back.
  const read = watchClock(clock, (now) => {
    round++;
    backOff.begin(now);
    local.begin(now);
    promised.clear();
    forecast.reset();
    standstill.reset();
    sharing.begin(now);
  });

  function outlook(ahead: number, rank: number, caution: number): number {
    const now = clock.now();
    if (!isShared()) return Math.max(0, local.opensAt(rank, now) - now) + ahead * local.intervalMs(now);
    const heldMs = Math.max(0, backOff.holdUntil() - now);
    return Math.max(heldMs, forecast.waitMs(ahead, rank, promised.slots(), now, caution));
  }

  function turn(): void {
    if (closed) return;
    const now = read();
    queue.review(now);
    const blocked = standstill.until(now) > now;
    if (isShared()) {
      if (!blocked) serveShared(now);
      ask(now);
    } else {
      if (!blocked) serveLocal(now);
      if (now >= sharing.lookAt()) void sharing.look().then(turn);
    }
    arm(now);
  }

  function dueAt(slot: number, now: number): number {
    return Math.max(slot, backOff.holdUntil(), sharing.isSettling(now) ? local.opensAt(0, now) : 0);
  }

  function serveShared(now: number): void {
    while (queue.size() > 0) {
      const [soonest] = promised.slots();
      if (soonest === undefined) return;
      const due = dueAt(soonest, now);
      if (due >= now + CLOCK_STEP_MS) return;
      if (!promised.use(due, now)) continue;
      if (sharing.isSettling(now)) local.spend(now);
      standstill.sent(now);
      queue.admitNext();
    }
  }

  function serveLocal(now: number): void {
    for (let rank = queue.nextRank(); rank !== undefined; rank = queue.nextRank()) {
      if (local.opensAt(rank, now) > now) return;
      local.spend(now);
      standstill.sent(now);
      queue.admitNext();
    }
  }

  const heldAndAsked = () => asking + promised.slots().length;

  function ask(now: number): void {
    const rank = queue.nextRank();
    if (rank === undefined) return;
    if (rank > 0) {
      if (heldAndAsked() === 0 && now >= forecast.pollAt()) void reserve(rank, 0);
      return;
    }
    const wanted = Math.min(promised.most(), queue.countOf(0));
    const aheadMs = queue.lastLimit(0) - now;
    while (heldAndAsked() < wanted) void reserve(0, aheadMs);
  }

  async function reserve(rank: number, aheadMs: number): Promise<void> {
    const asked = round;
    asking++;
    const answer = await shared?.reserve(rank, aheadMs);
    asking--;
    if (answer === undefined) leaveShared();
    else if (isShared() && asked === round) hear(rank, answer);
    turn();
  }

  function hear(rank: number, answer: SharedAnswer): void {
    const now = clock.now();
    backOff.learn(answer.share, now, answer.holdUntil);
    if (answer.granted) {
      forecast.granted(answer, now);
      promised.add(answer.at);
    } else {
      forecast.refused(rank, answer, now);
    }
  }

  function leaveShared(): void {
    if (!isShared()) return;
    const now = clock.now();
    promised.clear();
    forecast.begin();
    local.empty(now);
    sharing.leave(now);
  }

  function nextTurnAt(now: number): number {
    const rank = queue.nextRank() ?? 0;
    const [soonest] = promised.slots();
    const blockedUntil = standstill.until(now);
    if (!isShared())
      return Math.min(queue.firstLimit(), Math.max(blockedUntil, local.opensAt(rank, now)), sharing.lookAt());
    if (soonest !== undefined) return Math.min(queue.firstLimit(), Math.max(blockedUntil, dueAt(soonest, now)));
    return rank > 0 && asking === 0 ? Math.min(queue.firstLimit(), forecast.pollAt()) : queue.firstLimit();
  }

  function arm(now: number): void {
    const at = queue.size() === 0 ? Number.POSITIVE_INFINITY : nextTurnAt(now);
    if (timer !== undefined && timer.at <= at && at < Number.POSITIVE_INFINITY) return;
    disarm();
    if (at === Number.POSITIVE_INFINITY) return;
    const callOff = setAlarm(clock, Math.max(1, Math.ceil(at - now)), () => {
      timer = undefined;
      turn();
    });
    timer = { at, callOff };
  }

  function disarm(): void {
    timer?.callOff();
    timer = undefined;
  }

  /** What was promised while nobody waited, and what the last rush looked like, is of no use to the next one. */
  function begin(now: number): void {
    promised.dropLate(now);
    forecast.begin();
  }

  return {
    admit(call: CallOptions): Promise<void> {
      if (closed) return Promise.reject(closing(command));
      const now = read();
      if (queue.size() === 0) begin(now);
      return queue.join(call, ({ rank, limitAt }) => {
        const slotWanted = isShared() ? heldAndAsked() < promised.most() : queue.countOf(0) === 1;
        const sooner = timer === undefined || limitAt < timer.at || (rank === 0 && slotWanted);
        if (sooner || queue.size() === 1) turn();
      });
    },

    answered(): void {
      const now = clock.now();
      const blocked = standstill.until(now) > now;
      standstill.answered(now);
      if (blocked) turn();
    },

    withdrawn: standstill.withdrawn,

    throttled(): void {
      const now = clock.now();
      if (!backOff.cut(now)) return;
      round++;
      promised.clear();
      local.empty(backOff.holdUntil());
      changed('throttled');
      void shared?.cut();
      turn();
    },

    state() {
      const now = clock.now();
      const intervalMs = isShared() ? pace.intervalMs / backOff.share(now) : local.intervalMs(now);
      return {
        waiting: queue.counts(),
        shared: isShared(),
        ratePerSecond: 1000 / intervalMs,
        wasted: promised.wasted(),
      };
    },

    close(): void {
      closed = true;
      disarm();
      queue.refuseAll(closing(command));
    },
  };
}

function closing(command: Command): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', `${command}: the gateway is shutting down`, {
    upstream: { command, retryable: true },
  });
}
