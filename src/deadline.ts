// How long one answer is waited for: until the deadline, or until the client goes away.
import { type Clock, setAlarm } from './clock.ts';
import { clientGone, GatewayError } from './errors.ts';

/** Begins to wait; `disconnectSignal` aborts when the client goes away. */
export function createDeadline(disconnectSignal: AbortSignal, ms: number, clock: Clock) {
  const controller = new AbortController();
  const leave = () => controller.abort(clientGone());
  if (disconnectSignal.aborted) leave();
  disconnectSignal.addEventListener('abort', leave, { once: true });
  const callOff = setAlarm(clock, ms, () =>
    controller.abort(new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${ms} ms.`)),
  );
  return {
    /** When it is reached, in epoch milliseconds. */
    at: clock.now() + ms,
    /** Aborts then, when the client goes away, or when the waiting is given up. */
    signal: controller.signal,
    /** Ends the waiting, for a reason that the client gets. */
    giveUp: (reason: GatewayError): void => controller.abort(reason),
    /** Nothing is waited for any more. */
    end(): void {
      disconnectSignal.removeEventListener('abort', leave);
      callOff();
    },
  };
}
