// How long one answer is waited for: until the deadline, or until the client goes away.
import { type Clock, setAlarm } from './clock.ts';
import { clientGone, GatewayError } from './errors.ts';

export type Patience = {
  /** Aborts at the deadline, or when the client is gone. */
  readonly signal: AbortSignal;
  /** There is nothing left to be waited for. */
  end(): void;
};

/** Begins to wait; `gone` aborts when the client goes away. */
export function createPatience(gone: AbortSignal, deadlineMs: number, clock: Clock): Patience {
  const controller = new AbortController();
  const leave = () => controller.abort(clientGone());
  if (gone.aborted) leave();
  gone.addEventListener('abort', leave, { once: true });
  const callOff = setAlarm(clock, deadlineMs, () =>
    controller.abort(
      new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${deadlineMs} ms.`),
    ),
  );
  return {
    signal: controller.signal,
    end() {
      gone.removeEventListener('abort', leave);
      callOff();
    },
  };
}
