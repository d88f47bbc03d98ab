// How fast one command may be called: the numbers behind the budget, and when a slot for a call is free.
import type { Command } from './wire.ts';

/** Who goes first, best first; the position is the rank that the budget counts with. */
export const PRIORITIES = ['interactive', 'revalidation', 'priming'] as const;

/** Milliseconds between two calls at the planned rate, and by how many a short burst may run ahead of it. */
export type Pace = { intervalMs: number; toleranceMs: number };

/**
 * What is planned of the allowed rate. The upstream counts arrivals in any second (contract 1.6), and between leaving
 * and arriving lies time that varies: with 85 % and a burst of 2.5 % no second goes over the allowed rate as long as
 * that time varies by less than 140 ms, whether on the network or in a process that waits for its turn.
 */
const PLANNED_SHARE = 0.85;
const BURST_SHARE = 0.025;

/** Against 200 for the others (contract 1.6). */
const UPSTREAM_LIMIT = 200;
const LOWER_LIMITS: { readonly [C in Command]?: number } = { account_check: 100 };

/** The pace of `command` for all replicas together, when `ratePerSecond` is allowed for those with the usual limit. */
export function paceOf(command: Command, ratePerSecond: number): Pace {
  const allowed = (ratePerSecond * (LOWER_LIMITS[command] ?? UPSTREAM_LIMIT)) / UPSTREAM_LIMIT;
  const intervalMs = 1000 / (allowed * PLANNED_SHARE);
  const burst = Math.max(1, Math.round(allowed * BURST_SHARE));
  return { intervalMs, toleranceMs: (burst - 1) * intervalMs };
}

/** What an upstream that says "too often" does to the pace, here and in the script alike. */
export const BACK_OFF = {
  /** Nothing goes for so long. */
  holdMs: 1000,
  /** What is left of the rate after that, */
  cutTo: 0.7,
  /** at the least, */
  leastShare: 0.1,
  /** and how much of the whole rate comes back every second. */
  recoveryPerSecond: 0.02,
};

/**
 * How many intervals after the last given slot is due a lower priority may go at the soonest: only when nobody queues,
 * and leaving most of the burst to interactive calls, and all of it when it is the lowest.
 */
export const SOONEST_INTERVALS: readonly number[] = [Number.NEGATIVE_INFINITY, -1, 1];

/** What is left of the rate, as far as this replica knows. */
export type BackOff = {
  /** The share of the rate that is left, above 0 and at most 1. */
  share(now: number): number;
  /** Nothing may go before. Epoch milliseconds. */
  holdUntil(): number;
  /** Takes an answer of "too often" to heart; those that come while nothing goes are about calls made before. */
  cut(now: number): boolean;
  /** Takes over what all replicas agreed on in Redis. */
  learn(share: number, now: number, holdUntil: number): void;
  /** Holds nothing back for longer than from now on: the clock has been set back. */
  begin(now: number): void;
};

export function createBackOff(): BackOff {
  // The share at `since`; it grows from then on.
  let kept = 1;
  let since = 0;

  const share = (now: number) => Math.min(1, kept + (Math.max(0, now - since) / 1000) * BACK_OFF.recoveryPerSecond);

  return {
    share,
    holdUntil: () => since,
    cut(now) {
      if (now < since) return false;
      kept = Math.max(BACK_OFF.leastShare, share(now) * BACK_OFF.cutTo);
      since = now + BACK_OFF.holdMs;
      return true;
    },
    learn(sharedShare, now, holdUntil) {
      if (now < since) return;
      kept = sharedShare;
      since = Math.max(now, holdUntil);
    },
    begin(now) {
      since = Math.min(since, now);
    },
  };
}

/** The slots of one replica on its own: the same rule as the script's, without anybody to agree with. */
export type LocalPace = {
  /** When the next call of this rank may go; may lie in the past. */
  opensAt(rank: number, now: number): number;
  spend(now: number): void;
  /** Begins without a burst, since others may have spent what this replica does not know of. */
  empty(now: number): void;
  /** The same, whatever was spent before: the clock has been set back. */
  begin(now: number): void;
  intervalMs(now: number): number;
};

export function createLocalPace(pace: Pace, backOff: BackOff, replicas: () => number): LocalPace {
  const intervalMs = (now: number) => (pace.intervalMs * replicas()) / backOff.share(now);
  let free = Number.NEGATIVE_INFINITY;
  return {
    intervalMs,
    opensAt(rank, now) {
      const soonest = free + (SOONEST_INTERVALS[rank] ?? 0) * intervalMs(now);
      return Math.max(soonest, free - pace.toleranceMs, backOff.holdUntil());
    },
    spend(now) {
      free = Math.max(free, now) + intervalMs(now);
    },
    empty(now) {
      free = Math.max(free, now + pace.toleranceMs + intervalMs(now));
    },
    begin(now) {
      free = now + pace.toleranceMs + intervalMs(now);
    },
  };
}
