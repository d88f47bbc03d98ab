// How long one answer is waited for: until the deadline, or until the client goes away.
import { type Clock, setAlarm } from './clock.ts';
import { clientGone, GatewayError } from './errors.ts';

/** Begins to wait; `gone` aborts when the client goes away. */
export function createDeadline(gone: AbortSignal, ms: number, clock: Clock) {
  const controller = new AbortController();
  const leave = () => controller.abort(clientGone());
  if (gone.aborted) leave();
  gone.addEventListener('abort', leave, { once: true });
  const callOff = setAlarm(clock, ms, () =>
    controller.abort(new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${ms} ms.`)),
  );
  return {
    /** When it is reached, in epoch milliseconds. */
    at: clock.now() + ms,
    /** Aborts then, when the client is gone, or when the waiting is given up. */
    signal: controller.signal,
    /** Nothing more is waited for, for a reason that the client is told. */
    giveUp: (reason: GatewayError): void => controller.abort(reason),
    /** There is nothing left to be waited for. */
    end(): void {
      gone.removeEventListener('abort', leave);
      callOff();
    },
  };
}
