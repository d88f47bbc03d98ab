// The calls of one command that wait for a slot: who is next, who cannot be served in time, and how long it takes.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import { PRIORITIES } from './budget-pace.ts';
import type { Command } from './wire.ts';

export type Priority = (typeof PRIORITIES)[number];
export type PriorityCounts = Record<Priority, number>;

export type WaitingCall = {
  readonly call: CallOptions;
  readonly since: number;
  /** Both as of the last review: a call's priority and deadline may change while it waits. */
  rank: number;
  limitAt: number;
};

/**
 * How long a call with `ahead` others before it has to wait, in milliseconds. What is guessed of it is multiplied by
 * `caution`.
 */
export type Outlook = (ahead: number, rank: number, caution: number) => number;

export type QueueOptions = {
  command: Command;
  clock: Clock;
  /** The longest wait by rank, in milliseconds. */
  maxWaitMs: readonly number[];
  outlook: Outlook;
  settled: (kind: 'admitted' | 'refused', priority: Priority, ms: number) => void;
};

/** Far more than can be served in time; bounds memory when estimates are wrong. */
const MOST_WAITING = 1000;
/** What must be left of a call's time when it goes, or when it learns that it cannot. */
const KEPT_SHARE = 0.05;
// A call that is let in should not give up later, so the guess is taken to its disfavour first, and to its favour
// from then on.
const CAUTION = { joining: 1.1, waiting: 0.7 };

export function createQueue({ command, clock, maxWaitMs, outlook, settled }: QueueOptions) {
  type Entry = WaitingCall & { go(): void; refuse(error: unknown): void };
  /**
   * In the order in which they came. A list, since what has been in a set can outlive its removal: V8 makes a busy set's
   * table anew all the time, and until old garbage is collected, an old table keeps the next one and all that was in it.
   */
  const waiting: Entry[] = [];
  const counts = PRIORITIES.map(() => 0);

  function describe(entry: Pick<WaitingCall, 'call' | 'since'>) {
    const { priority = 'interactive', deadlineAt } = entry.call;
    const rank = PRIORITIES.indexOf(priority);
    const lastMoment = entry.since + (deadlineAt - entry.since) * (1 - KEPT_SHARE);
    return { rank, limitAt: Math.min(lastMoment, entry.since + (maxWaitMs[rank] ?? 0)) };
  }

  function leave(entry: Entry): void {
    waiting.splice(waiting.indexOf(entry), 1);
    counts[entry.rank] = (counts[entry.rank] ?? 0) - 1;
  }

  const aheadOf = (rank: number) => counts.reduce((sum, count, other) => (other <= rank ? sum + count : sum), 0);

  function refusal(rank: number): GatewayError {
    const retryAfterMs = Math.max(1, Math.ceil(outlook(aheadOf(rank), rank, 1)));
    settled('refused', PRIORITIES[rank] ?? 'interactive', retryAfterMs);
    return new GatewayError('THROTTLED', `${command}: the budget for calls to the upstream is used up`, {
      upstream: { command, retryable: true, retryAfterMs },
    });
  }

  return {
    size: () => waiting.length,
    countOf: (rank: number) => counts[rank] ?? 0,
    counts: (): PriorityCounts => toCounts(counts),

    /** Lets a call wait, or rejects at once when it could not go in time. */
    join(call: CallOptions, joined: (waiting: WaitingCall) => void): Promise<void> {
      if (call.signal.aborted) return Promise.reject(call.signal.reason);
      const since = clock.now();
      const { rank, limitAt } = describe({ call, since });
      const hopeless = since + outlook(aheadOf(rank), rank, CAUTION.joining) > limitAt;
      if (hopeless || (counts[rank] ?? 0) >= MOST_WAITING) return Promise.reject(refusal(rank));

      return new Promise((resolve, reject) => {
        const end = () => call.signal.removeEventListener('abort', abort);
        const entry: Entry = {
          call,
          since,
          rank,
          limitAt,
          go() {
            leave(entry);
            end();
            settled('admitted', PRIORITIES[entry.rank] ?? 'interactive', clock.now() - since);
            resolve();
          },
          refuse(error) {
            leave(entry);
            end();
            reject(error);
          },
        };
        const abort = () => entry.refuse(call.signal.reason);
        call.signal.addEventListener('abort', abort, { once: true });
        waiting.push(entry);
        counts[rank] = (counts[rank] ?? 0) + 1;
        joined(entry);
      });
    },

    /** Looks at everybody anew, and refuses those whose time is over or who have no hope left. */
    review(now: number): void {
      counts.fill(0);
      for (const entry of waiting) {
        Object.assign(entry, describe(entry));
        counts[entry.rank] = (counts[entry.rank] ?? 0) + 1;
      }
      const before = PRIORITIES.map((_, rank) => aheadOf(rank - 1));
      const late: Entry[] = [];
      for (const entry of waiting) {
        const ahead = before[entry.rank] ?? 0;
        if (now + outlook(ahead, entry.rank, CAUTION.waiting) > entry.limitAt) late.push(entry);
        else before[entry.rank] = ahead + 1;
      }
      for (const entry of late) entry.refuse(refusal(entry.rank));
    },

    /** The rank of who is next; undefined when nobody waits. */
    nextRank(): number | undefined {
      const rank = counts.findIndex((count) => count > 0);
      return rank < 0 ? undefined : rank;
    },

    /** Lets the first of the best rank go. */
    admitNext(): void {
      const rank = counts.findIndex((count) => count > 0);
      for (const entry of waiting) {
        if (entry.rank !== rank) continue;
        entry.go();
        return;
      }
    },

    /** When the next one runs out of time, and when the most patient of a rank does. */
    firstLimit: () => Math.min(...waiting.map(({ limitAt }) => limitAt)),
    lastLimit: (rank: number) =>
      Math.max(...waiting.map((entry) => (entry.rank === rank ? entry.limitAt : Number.NEGATIVE_INFINITY))),

    refuseAll(error: GatewayError): void {
      for (const entry of [...waiting]) entry.refuse(error);
    },
  };
}

export function toCounts(byRank: readonly number[]): PriorityCounts {
  const [interactive = 0, revalidation = 0, priming = 0] = byRank;
  return { interactive, revalidation, priming };
}
