// The calls of one command that wait: who is next, and who has waited too long.
import type { Priority } from '../../cache/single-flight.ts';
import { type Clock, monotonicMs } from '../../clock.ts';
import type { CallOptions } from '../../follow/services.ts';

/** Best first; the place is the rank that the budget counts with. */
export const PRIORITIES = ['interactive', 'revalidation', 'priming'] as const satisfies readonly Priority[];

/** How long a queue of interactive calls may take to empty: a window and a bit, so that a burst may use two of them. */
const BURST_WAIT_MS = 1200;
/** How long a call waits in a queue that does not empty: longer serves nobody more and makes everybody slow. */
const STANDING_WAIT_MS = 200;
const BACKGROUND_WAIT_MS = 500;
/** Bounds memory; far more than can go in time. */
const MAX_WAITING = 1000;
/** The part of a call's time that must be left when it goes, or when it is refused. */
const KEPT_SHARE = 0.05;

/** A call that waits. `since` is monotonic; a call's priority and deadline may change while it waits. */
type WaitingCall = {
  readonly call: CallOptions;
  readonly since: number;
  readonly again: boolean;
  readonly keptMs: number;
  go(): void;
  refuse(error: unknown): void;
};

export type CallQueueOptions = {
  clock: Clock;
  refusal: () => Error;
  /** A call left the queue as it hoped, or was refused. */
  settled: (how: 'admitted' | 'refused', rank: number) => void;
};

export function createCallQueue({ clock, refusal, settled }: CallQueueOptions) {
  const waiting: WaitingCall[] = [];
  /** Since when interactive calls have been waiting without a moment in which none did. */
  let busySince: number | undefined;
  let refusedAt = Number.NEGATIVE_INFINITY;

  const hasInteractive = () => waiting.some(({ call }) => rankOf(call) === 0);

  /** Refusals alone do not end a standing queue: it ends when a call goes, or gives up, and leaves none behind. */
  function endBusy(): void {
    if (!hasInteractive()) busySince = undefined;
  }

  /** When a call is refused, as things are now; monotonic. */
  function limitOf({ call, since, again, keptMs }: WaitingCall, now: number): number {
    const deadline = now + (call.deadlineAt - clock.now()) - keptMs;
    if (again) return deadline;
    if (rankOf(call) > 0) return Math.min(deadline, since + BACKGROUND_WAIT_MS);
    return Math.min(deadline, Math.max(since + STANDING_WAIT_MS, (busySince ?? since) + BURST_WAIT_MS));
  }

  function refuse(entry: WaitingCall, now: number): void {
    refusedAt = now;
    settled('refused', rankOf(entry.call));
    entry.refuse(refusal());
  }

  return {
    size: () => waiting.length,
    /** Whether more calls wait than can go, for longer than a burst lasts. */
    isStanding: (now: number) => busySince !== undefined && now - busySince > BURST_WAIT_MS,
    /** The calls that wait, by rank. */
    counts(): number[] {
      const counts = PRIORITIES.map(() => 0);
      for (const { call } of waiting) counts[rankOf(call)] = (counts[rankOf(call)] ?? 0) + 1;
      return counts;
    },

    join(call: CallOptions, again: boolean): Promise<void> {
      if (call.signal.aborted) return Promise.reject(call.signal.reason);
      const since = monotonicMs(clock);
      if (waiting.length >= MAX_WAITING && !again) {
        settled('refused', rankOf(call));
        return Promise.reject(refusal());
      }
      if (rankOf(call) === 0) {
        if (!hasInteractive() && since - refusedAt > BURST_WAIT_MS) busySince = since;
        busySince ??= since;
      }
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiting.splice(waiting.indexOf(entry), 1);
          call.signal.removeEventListener('abort', abort);
        };
        const abort = () => {
          entry.refuse(call.signal.reason);
          endBusy();
        };
        const entry: WaitingCall = {
          call,
          since,
          again,
          keptMs: Math.max(0, call.deadlineAt - clock.now()) * KEPT_SHARE,
          go() {
            leave();
            resolve();
          },
          refuse(error) {
            leave();
            reject(error);
          },
        };
        call.signal.addEventListener('abort', abort, { once: true });
        if (again) waiting.unshift(entry);
        else waiting.push(entry);
      });
    },

    /** Lets the first `count` calls of the best ranks go. */
    admit(count: number): void {
      for (let n = 0; n < count && waiting.length > 0; n++) {
        const best = waiting.reduce((first, entry) => (rankOf(entry.call) < rankOf(first.call) ? entry : first));
        settled('admitted', rankOf(best.call));
        best.go();
      }
      endBusy();
    },

    /** Refuses the calls that have waited too long, and answers when the next one will have. */
    refuseLate(now: number): number {
      let next = Number.POSITIVE_INFINITY;
      for (const entry of [...waiting]) {
        const limit = limitOf(entry, now);
        if (limit <= now) refuse(entry, now);
        else next = Math.min(next, limit);
      }
      return next;
    },

    refuseAll(error: Error): void {
      for (const entry of [...waiting]) entry.refuse(error);
    },
  };
}

function rankOf({ priority = 'interactive' }: CallOptions): number {
  return PRIORITIES.indexOf(priority);
}
