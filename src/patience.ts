// How long one answer is waited for: until the deadline, or until the client goes away.
import { type Clock, setAlarm } from './clock.ts';
import { clientGone, GatewayError } from './errors.ts';

/** A signal that aborts at the deadline or when the client is gone; made on first use, since a warm answer needs none. */
export function createPatience(goneSignal: () => AbortSignal, deadlineMs: number, clock: Clock) {
  let waiting: AbortController | undefined;
  let end = () => {};

  return {
    signal(): AbortSignal {
      if (waiting) return waiting.signal;
      const controller = new AbortController();
      waiting = controller;
      const gone = goneSignal();
      const leave = () => controller.abort(clientGone());
      if (gone.aborted) leave();
      gone.addEventListener('abort', leave, { once: true });
      const callOff = setAlarm(clock, deadlineMs, () =>
        controller.abort(
          new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${deadlineMs} ms.`),
        ),
      );
      end = () => {
        gone.removeEventListener('abort', leave);
        callOff();
      };
      return controller.signal;
    },
    end: () => end(),
  };
}
