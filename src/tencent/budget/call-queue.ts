// The calls of one command that wait: who is next, and who has waited too long.
import { PRIORITIES, type Priority, rankOf } from '../../cache/single-flight.ts';
import type { Clock } from '../../clock.ts';
import type { CallOptions } from '../../follow/services.ts';

type PriorityCounts = Record<Priority, number>;

/** How long a call waits at most: a client has its refusal within half a second. A queue that is busy for longer is standing. */
const MAX_WAIT_MS = 450;
/** The same in a standing queue: a longer one makes all calls slow and serves no more of them. */
const STANDING_WAIT_MS = 200;
/** Bounds memory; far more than can go in time. */
const MAX_WAITING = 1000;

/** A call that waits. `since` is monotonic; a call's priority and deadline may change while it waits. */
type WaitingCall = { call: CallOptions; since: number; again: boolean; settle(error?: unknown): void };

/** Creates an empty queue; `refusal` makes the error of a call that has waited too long. */
export function createCallQueue(clock: Clock, refusal: () => Error) {
  const waiting: WaitingCall[] = [];
  const totals = { admitted: noCalls(), refused: noCalls() };
  /** When the next call is refused, unless others leave or grow more patient. */
  let nextLateAt = Number.POSITIVE_INFINITY;
  /** Since when interactive calls have been waiting for room without a moment in which there was some; Infinity while none does. */
  let busySince = Number.POSITIVE_INFINITY;

  /** When a call is refused, as things are now; monotonic. */
  function lateAt({ call, since, again }: WaitingCall, now: number): number {
    const deadline = now + call.deadlineAt - clock.now();
    if (again) return deadline;
    if (rankOf(call) > 0) return Math.min(deadline, since + MAX_WAIT_MS);
    // A client may have come to wait for a call that was in the background, and be the only one.
    const busyFrom = busySince === Number.POSITIVE_INFINITY ? since : busySince;
    return Math.min(deadline, Math.max(since + STANDING_WAIT_MS, busyFrom + MAX_WAIT_MS));
  }

  return {
    totals,
    /** The calls that wait. */
    counts(): PriorityCounts {
      const counts = noCalls();
      for (const { call } of waiting) count(counts, call);
      return counts;
    },
    /** The best rank of those that wait; -1 when none does. */
    bestRank: () => PRIORITIES.findIndex((_, rank) => waiting.some(({ call }) => rankOf(call) === rank)),
    /** Whether more calls wait than can go, and it is no burst. */
    isStanding: (now: number) => now - busySince > MAX_WAIT_MS,

    join(call: CallOptions, again: boolean): Promise<void> {
      const { signal } = call;
      const since = clock.monotonicMs();
      if (signal.aborted) return Promise.reject(signal.reason);
      if (waiting.length >= MAX_WAITING && !again) {
        count(totals.refused, call);
        return Promise.reject(refusal());
      }
      if (rankOf(call) === 0) busySince = Math.min(busySince, since);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = () => entry.settle(signal.reason);
      const settle = (error?: unknown) => {
        waiting.splice(waiting.indexOf(entry), 1);
        if (!waiting.some(({ call }) => rankOf(call) === 0)) busySince = Number.POSITIVE_INFINITY;
        signal.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const entry = { call, since, again, settle };
      signal.addEventListener('abort', abort, { once: true });
      if (again) waiting.unshift(entry);
      else waiting.push(entry);
      nextLateAt = Math.min(nextLateAt, lateAt(entry, since));
      return promise;
    },

    /** Lets the first `number` calls of the best ranks go. */
    admit(number: number): void {
      const best = waiting.toSorted((a, b) => rankOf(a.call) - rankOf(b.call)).slice(0, number);
      for (const entry of best) {
        count(totals.admitted, entry.call);
        entry.settle();
      }
    },

    /** All that had asked could go. What is left came meanwhile, or waited long because the process stood still. */
    noteRoom(now: number): void {
      if (busySince < now) busySince = now;
    },

    /** Refuses the calls that have waited too long, and answers when the next one will have. */
    refuseLate(now: number): number {
      if (now < nextLateAt) return nextLateAt;
      for (const entry of waiting.filter((entry) => lateAt(entry, now) <= now)) {
        count(totals.refused, entry.call);
        entry.settle(refusal());
      }
      nextLateAt = Math.min(...waiting.map((entry) => lateAt(entry, now)));
      return nextLateAt;
    },
  };
}

const noCalls = (): PriorityCounts => ({ interactive: 0, revalidation: 0, priming: 0 });

function count(counts: PriorityCounts, { priority = 'interactive' }: CallOptions): void {
  counts[priority] += 1;
}
