// How fast one command may be called: the numbers behind the budget, and when a slot for a call is free.
import type { Command } from './wire.ts';

/** Who goes first, best first; the position is the rank that the budget counts with. */
export const PRIORITIES = ['interactive', 'revalidation', 'priming'] as const;

/** Milliseconds between two calls at the planned rate, and by how many a short burst may run ahead of it. */
export type Pace = { intervalMs: number; toleranceMs: number };

/**
 * What is planned of the allowed rate. The upstream counts arrivals in any second (contract 1.6), and between leave and
 * arrival lies time that varies: with 87.5 % and a burst of 2.5 %, a second stays within the allowed rate as long as
 * that time varies by less than a tenth of a second.
 */
const PLANNED_SHARE = 0.875;
const BURST_SHARE = 0.025;

/** Against 200 for the others (contract 1.6). */
const UPSTREAM_LIMIT = 200;
const LOWER_LIMITS: { readonly [C in Command]?: number } = { account_check: 100 };

/** The rate that `command` may reach when `ratePerSecond` is allowed for commands with the usual limit. */
export function allowedRate(command: Command, ratePerSecond: number): number {
  return (ratePerSecond * (LOWER_LIMITS[command] ?? UPSTREAM_LIMIT)) / UPSTREAM_LIMIT;
}

/** The pace of `command` for all replicas together. */
export function paceOf(command: Command, ratePerSecond: number): Pace {
  const allowed = allowedRate(command, ratePerSecond);
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

/** Lower priorities leave the last slots of a pause to higher ones: intervals that must have passed unused. */
export const IDLE_INTERVALS = (rank: number) => Math.max(0, rank - 1) * 2;

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
  };
}

/** The slots of one replica on its own: the same rule as the script's, without anybody to agree with. */
export type LocalPace = {
  /** When the next call of this rank may go; may lie in the past. */
  opensAt(rank: number, now: number): number;
  spend(now: number): void;
  /** Begins without a burst, since others may have spent what this replica does not know of. */
  empty(now: number): void;
  intervalMs(now: number): number;
};

export function createLocalPace(pace: Pace, backOff: BackOff, replicas: () => number): LocalPace {
  const intervalMs = (now: number) => (pace.intervalMs * replicas()) / backOff.share(now);
  let free = Number.NEGATIVE_INFINITY;
  return {
    intervalMs,
    opensAt(rank, now) {
      const opens = rank === 0 ? free - pace.toleranceMs : free + IDLE_INTERVALS(rank) * intervalMs(now);
      return Math.max(opens, backOff.holdUntil());
    },
    spend(now) {
      free = Math.max(free, now) + intervalMs(now);
    },
    empty(now) {
      free = Math.max(free, now + pace.toleranceMs + intervalMs(now));
    },
  };
}
