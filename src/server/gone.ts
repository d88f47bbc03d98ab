// When the client of a response goes away.
import type { ServerResponse } from 'node:http';

/** Of a stream it is asked for with each event. */
const signals = new WeakMap<ServerResponse, AbortSignal>();

/** A signal that aborts when the client goes away before it has its answer: the same each time. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const known = signals.get(response);
  if (known) return known;
  const gone = new AbortController();
  signals.set(response, gone.signal);
  const leave = () => {
    if (!response.writableFinished) gone.abort();
  };
  if (response.closed) leave();
  else response.once('close', leave);
  return gone.signal;
}
