// What is read for one answer: each thing once, all of it under one deadline, and how old the oldest of it is.
import type { StaleUse } from './cache/single-flight.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { type ErrorCode, GatewayError } from './errors.ts';
import type { CallOptions } from './follow/services.ts';
import { NO_SPAN, type Span } from './span.ts';

/** A request that is answered; it observes every upstream call, and everything that is read. */
export type ReadsRequest = Pick<CallOptions, 'onRead'> & {
  /** Aborts when the client goes away. */
  disconnectSignal(): AbortSignal;
  onUpstreamCall(command: string): void;
  /** The reads are part of this work. */
  span: Span;
};

export type Reads = ReturnType<typeof createReads>;

export function createReads(request: ReadsRequest, settings: Config, clock: Clock) {
  const answers = new Map<string, unknown>();
  let staleness: StaleUse | null = null;
  let reads = begin(request.span);

  function begin(span: Span) {
    const { requestDeadlineMs, maxUpstreamCalls } = settings;
    const controller = new AbortController();
    const giveUp = (code: ErrorCode, message: string) => controller.abort(new GatewayError(code, message));
    const leave = () => giveUp('UPSTREAM_TIMEOUT', 'The client went away before the answer was there.');
    const disconnectSignal = request.disconnectSignal();
    if (disconnectSignal.aborted) leave();
    disconnectSignal.addEventListener('abort', leave, { once: true });
    const disarm = clock.alarm(requestDeadlineMs, () =>
      giveUp('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${requestDeadlineMs} ms.`),
    );
    let calls = 0;
    const call: CallOptions = {
      signal: controller.signal,
      deadlineAt: clock.now() + requestDeadlineMs,
      spans: span.isRecorded ? [span] : [],
      onRead: request.onRead,
      onStale({ ageMs, failure }) {
        // A failure says more than a renewal that is on its way.
        staleness = { ageMs: Math.max(ageMs, staleness?.ageMs ?? 0), failure: failure ?? staleness?.failure ?? null };
      },
      onUpstreamCall(command) {
        if (++calls <= maxUpstreamCalls) return request.onUpstreamCall(command);
        const message = `The operation takes more than ${maxUpstreamCalls} calls to the upstream. Ask for less.`;
        giveUp('OPERATION_TOO_EXPENSIVE', message);
      },
    };
    const end = () => {
      disconnectSignal.removeEventListener('abort', leave);
      disarm();
    };
    return { call, end };
  }

  return {
    /** A value, or its failure, stays until the answers are cleared. A key is read by one caller alone. */
    once<T>(key: string, read: (call: CallOptions) => T): T {
      if (answers.has(key)) return answers.get(key) as T;
      const answer = read(reads.call);
      answers.set(key, answer);
      if (answer instanceof Promise)
        answer.catch((error) => {
          // What leaves out a part that failed is asked for again, not kept. That there is no such user is an answer.
          if (error?.code !== 'USER_NOT_FOUND') request.onRead?.({ group: key, sequence: 0, freshUntil: 0 });
        });
      return answer;
    },

    /** The events that are wanted, each answered like a request. The `return` of a generator would wait for the next one. */
    oneByOne<Event>(
      events: AsyncIterator<Event>,
      isWanted: (event: Event) => Promise<boolean> = async () => true,
    ): AsyncIterableIterator<Event> {
      let span = NO_SPAN;
      return {
        async next() {
          for (;;) {
            reads.end();
            span.end();
            const result = await events.next();
            answers.clear();
            staleness = null;
            if (!result.done) span = request.span.child('subscription event');
            reads = begin(span);
            if (result.done || (await isWanted(result.value))) return result;
          }
        },
        async return() {
          reads.end();
          span.end();
          return (await events.return?.()) ?? { value: undefined, done: true };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },

    call: () => reads.call,
    clear: () => answers.clear(),
    staleness: () => staleness,
    end: () => reads.end(),
  };
}
