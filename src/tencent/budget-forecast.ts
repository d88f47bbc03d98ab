// What the other replicas leave to this one, learned from Redis' answers: how long a call will have to wait.
import type { Pace } from './budget-pace.ts';
import type { SharedAnswer } from './budget-script.ts';

/** How much one observed distance between two slots counts. */
const LEARNING = 0.1;
/** A stall is no pace: one distance counts as at most so many of the expected ones. */
const FARTHEST = 4;

export function createForecast(pace: Pace, replicas: () => number, random: () => number) {
  // Nothing before `closedUntil`, then about one slot every `intervalMs`.
  let intervalMs = pace.intervalMs;
  let closedUntil = 0;
  let lastDue: number | undefined;
  let backgroundClosedUntil = 0;
  let pollAt = 0;

  return {
    /** The last rush is over: what follows is no distance between two slots. */
    begin(): void {
      lastDue = undefined;
    },

    /** Nothing is known any more but the pace: the clock has been set back. */
    reset(): void {
      lastDue = undefined;
      closedUntil = backgroundClosedUntil = pollAt = 0;
    },

    granted({ at, share, holdUntil }: SharedAnswer, now: number): void {
      const fullIntervalMs = pace.intervalMs / share;
      // A slot that is due at once says that nobody queues; one after a pause that all must make says nothing.
      const distanceMs = at < now + 1 ? fullIntervalMs : at - (lastDue ?? Number.NaN);
      if (distanceMs >= 0 && holdUntil <= now) {
        intervalMs += LEARNING * (Math.min(distanceMs, FARTHEST * intervalMs) - intervalMs);
      }
      intervalMs = Math.max(intervalMs, fullIntervalMs);
      lastDue = Math.max(lastDue ?? at, at);
    },

    refused(rank: number, { at, share }: SharedAnswer, now: number): void {
      if (rank === 0) {
        closedUntil = at;
      } else {
        backgroundClosedUntil = at;
        // All replicas wait for the same moment, and one of them gets it: the more there are, the more they spread.
        const spreadMs = (pace.intervalMs / share) * (Math.sqrt(replicas()) / 2);
        pollAt = Math.max(now, at) + random() * spreadMs;
      }
    },

    /** When a background call may ask again. */
    pollAt: () => pollAt,

    /** The wait behind `ahead` others, `promised` slots being ours already. Guesses are multiplied by `caution`. */
    waitMs(ahead: number, rank: number, promised: readonly number[], now: number, caution: number): number {
      const last = promised.at(-1);
      const known = promised[ahead] ?? Math.max(last ?? 0, closedUntil);
      const beyond = last === undefined ? ahead : Math.max(0, ahead - promised.length + 1);
      const waitMs = Math.max(0, known - now) + beyond * intervalMs * caution;
      return rank === 0 ? waitMs : Math.max(waitMs, backgroundClosedUntil - now);
    },
  };
}
