// One command's budget in this process: asks for slots while calls wait, and lets the next call go when one is due.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import { createForecast } from './budget-forecast.ts';
import { createBackOff, createLocalPace, type Pace } from './budget-pace.ts';
import { createQueue, type QueueOptions } from './budget-queue.ts';
import type { SharedAnswer, SharedPace } from './budget-script.ts';
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

/**
 * A slot that is carried out later than this is given up and asked for anew: after a stall of this process, late calls
 * must not arrive on top of those that are due.
 */
const LATE_MS = 30;
/** A process that is always late gets on nevertheless. */
const MOST_WASTED_IN_A_ROW = 4;
/** How many slots all replicas together hold in advance: more hides a slow Redis, fewer let a newcomer go sooner. */
const PROMISED_TOGETHER = 8;
const MOST_PROMISED = 4;
/** Clocks tell whole milliseconds: what is due within this one is due. */
const CLOCK_STEP_MS = 1;
/** How often to look whether Redis is back. */
const LOOK_MS = 500;
/**
 * So long after Redis is back, a replica also keeps to its share: others have not noticed yet. Longer than the link and
 * this lane need to notice.
 */
const SETTLE_MS = 2500;

export function createLane(options: LaneOptions) {
  const { command, pace, shared, replicas, clock, random, changed } = options;
  const backOff = createBackOff();
  const local = createLocalPace(pace, backOff, replicas);
  const queue = createQueue({ ...options, outlook });
  const standstill = createStandstill();
  const forecast = createForecast(pace, replicas, random);

  let isShared = shared !== null;
  let settlingUntil = 0;
  let lookAt = 0;

  // Due times of the slots that are ours, soonest first, and how many more are being asked for.
  let promised: number[] = [];
  let asking = 0;
  let round = 0;
  let wasted = 0;
  let wastedInARow = 0;

  let timer: { at: number; stop: AbortController } | undefined;
  let closed = false;

  function outlook(ahead: number, rank: number, caution: number): number {
    const now = clock.now();
    if (!isShared) return Math.max(0, local.opensAt(rank, now) - now) + ahead * local.intervalMs(now);
    const heldMs = Math.max(0, backOff.holdUntil() - now);
    return Math.max(heldMs, forecast.waitMs(ahead, rank, promised, now, caution));
  }

  function turn(): void {
    if (closed) return;
    const now = clock.now();
    queue.review(now);
    const blocked = standstill.until(now) > now;
    if (isShared) {
      if (!blocked) serveShared(now);
      ask(now);
    } else {
      if (!blocked) serveLocal(now);
      if (now >= lookAt) void look(now);
    }
    arm(now);
  }

  function dueAt(slot: number, now: number): number {
    return Math.max(slot, backOff.holdUntil(), now < settlingUntil ? local.opensAt(0, now) : 0);
  }

  function serveShared(now: number): void {
    while (promised[0] !== undefined && queue.size() > 0) {
      const due = dueAt(promised[0], now);
      if (due >= now + CLOCK_STEP_MS) return;
      promised.shift();
      if (now - due > LATE_MS && wastedInARow < MOST_WASTED_IN_A_ROW) {
        wasted++;
        wastedInARow++;
        continue;
      }
      wastedInARow = 0;
      if (now < settlingUntil) local.spend(now);
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

  const mostPromised = () => Math.min(MOST_PROMISED, Math.ceil(PROMISED_TOGETHER / replicas()));

  function ask(now: number): void {
    const rank = queue.nextRank();
    if (rank === undefined) return;
    if (rank > 0) {
      if (asking + promised.length === 0 && now >= forecast.pollAt()) void reserve(rank, 0);
      return;
    }
    const wanted = Math.min(mostPromised(), queue.countOf(0));
    const aheadMs = queue.lastLimit(0) - now;
    while (asking + promised.length < wanted) void reserve(0, aheadMs);
  }

  async function reserve(rank: number, aheadMs: number): Promise<void> {
    const asked = round;
    asking++;
    const answer = await shared?.reserve(rank, aheadMs);
    asking--;
    if (answer === undefined) leaveShared();
    else if (isShared && asked === round) hear(rank, answer);
    turn();
  }

  function hear(rank: number, answer: SharedAnswer): void {
    const now = clock.now();
    backOff.learn(answer.share, now, answer.holdUntil);
    if (answer.granted) {
      forecast.granted(answer, now);
      promised.push(answer.at);
      promised.sort((a, b) => a - b);
    } else {
      forecast.refused(rank, answer, now);
    }
  }

  function leaveShared(): void {
    if (!isShared) return;
    const now = clock.now();
    isShared = false;
    promised = [];
    forecast.begin();
    local.empty(now);
    lookAt = now + LOOK_MS;
    changed('local');
  }

  async function look(now: number): Promise<void> {
    if (shared === null) return;
    lookAt = Number.POSITIVE_INFINITY;
    const answer = await shared.look();
    lookAt = Math.max(now, clock.now()) + LOOK_MS;
    if (answer !== undefined && !isShared) {
      isShared = true;
      settlingUntil = clock.now() + SETTLE_MS;
      changed('shared');
    }
    turn();
  }

  function nextTurnAt(now: number): number {
    const rank = queue.nextRank() ?? 0;
    const soonest = promised[0];
    const blockedUntil = standstill.until(now);
    if (!isShared) return Math.min(queue.firstLimit(), Math.max(blockedUntil, local.opensAt(rank, now)), lookAt);
    if (soonest !== undefined) return Math.min(queue.firstLimit(), Math.max(blockedUntil, dueAt(soonest, now)));
    return rank > 0 && asking === 0 ? Math.min(queue.firstLimit(), forecast.pollAt()) : queue.firstLimit();
  }

  function arm(now: number): void {
    const at = queue.size() === 0 ? Number.POSITIVE_INFINITY : nextTurnAt(now);
    if (timer !== undefined && timer.at <= at && at < Number.POSITIVE_INFINITY) return;
    disarm();
    if (at === Number.POSITIVE_INFINITY) return;
    const stop = new AbortController();
    timer = { at, stop };
    const ring = () => {
      timer = undefined;
      turn();
    };
    clock.sleep(Math.max(1, Math.ceil(at - now)), stop.signal).then(ring, () => {});
  }

  function disarm(): void {
    timer?.stop.abort();
    timer = undefined;
  }

  /** What was promised while nobody waited, and what the last rush looked like, is of no use to the next one. */
  function begin(now: number): void {
    promised = promised.filter((slot) => now - slot <= LATE_MS);
    forecast.begin();
  }

  return {
    admit(call: CallOptions): Promise<void> {
      if (closed) return Promise.reject(closing(command));
      if (queue.size() === 0) begin(clock.now());
      return queue.join(call, ({ rank, limitAt }) => {
        const slotWanted = isShared ? asking + promised.length < mostPromised() : queue.countOf(0) === 1;
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

    throttled(): void {
      const now = clock.now();
      if (!backOff.cut(now)) return;
      round++;
      promised = [];
      local.empty(backOff.holdUntil());
      changed('throttled');
      void shared?.cut();
      turn();
    },

    state() {
      const now = clock.now();
      const intervalMs = isShared ? pace.intervalMs / backOff.share(now) : local.intervalMs(now);
      return { waiting: queue.counts(), shared: isShared, ratePerSecond: 1000 / intervalMs, wasted };
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
