// How long one answer is waited for: until the deadline, or until the client goes away.
import { type Clock, NOT_NEEDED } from './clock.ts';
import { clientGone, GatewayError } from './errors.ts';

/** A signal that aborts at the deadline or when the client is gone; made on first use, since a warm answer needs none. */
export function createPatience(goneSignal: () => AbortSignal, deadlineMs: number, clock: Clock) {
  let waiting: AbortController | undefined;
  let over: AbortController | undefined;

  return {
    signal(): AbortSignal {
      if (waiting) return waiting.signal;
      const controller = new AbortController();
      waiting = controller;
      over = new AbortController();
      const gone = goneSignal();
      const leave = () => controller.abort(clientGone());
      if (gone.aborted) leave();
      gone.addEventListener('abort', leave, { once: true, signal: over.signal });
      const runOut = () =>
        controller.abort(
          new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${deadlineMs} ms.`),
        );
      clock.sleep(deadlineMs, over.signal).then(runOut, () => {});
      return controller.signal;
    },
    end(): void {
      over?.abort(NOT_NEEDED);
    },
  };
}
