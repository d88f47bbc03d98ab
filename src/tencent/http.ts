// HTTP to the upstream: bytes out, bytes in, and how it ended.
import { type Dispatcher, Pool } from 'undici';

/** `sent`: bytes may have left. `stale`: a kept-alive connection failed before any byte of the answer. */
type HttpOutcome = ({ status: number; bytes: Buffer } | { reason: string }) & { sent: boolean; stale: boolean };

export type Http = ReturnType<typeof createHttp>;

/** An answer is at most 1 MB (CONTRACT 1.3); a larger one is not the upstream's. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Shorter than common idle limits of load balancers; the upstream documents none (CONTRACT 1.5). */
const IDLE_CONNECTION_MS = 30_000;
const CONNECT_TIMEOUT_MS = 1000;
const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };
const STOPPED = new Error('stopped');

/** Makes pools of connections to `baseUrl`. Nothing connects yet. */
export function createHttp(baseUrl: string, connections: number) {
  const options: Pool.Options = {
    connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
    // Every try has a deadline; undici's timers are coarser.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const kept = new Pool(baseUrl, options);
  // Where one kept-alive connection is dead its siblings likely are too, so that a repeat opens one for itself.
  const fresh = new Pool(baseUrl, options);
  return {
    send: (path: string, body: string, isFresh = false) =>
      exchange(isFresh ? fresh : kept, { method: 'POST', path, headers: HEADERS, body, reset: isFresh }),
    async close(): Promise<void> {
      await Promise.all([kept.close(), fresh.close()]);
    },
  };
}

/** Begins a request. `stop`, at a timeout, closes its connection and settles `outcome`, which never rejects. */
function exchange(pool: Pool, request: Dispatcher.DispatchOptions) {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  const chunks: Buffer[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let status = 0;
  let stopped = false;

  // Pool.dispatch rather than Pool.request: no stream per answer, a third less CPU.
  pool.dispatch(request, {
    onRequestStart(started) {
      controller = started;
      if (stopped) started.abort(STOPPED);
    },
    onResponseStart(_controller, statusCode) {
      status = statusCode;
    },
    onResponseData(_controller, chunk) {
      // The text of a gateway's error page is never read.
      if (status === 200) chunks.push(chunk);
    },
    onResponseEnd: () => resolve({ status, bytes: Buffer.concat(chunks), sent: true, stale: false }),
    onResponseError(_controller, error) {
      const sent = controller !== undefined;
      resolve({ reason: reasonOf(error), sent, stale: sent && status === 0 && !request.reset });
    },
  });

  return {
    outcome: promise,
    stop() {
      stopped = true;
      // A call that still waits for a connection was not sent, and has none to close.
      resolve({ reason: 'timeout', sent: controller !== undefined, stale: false });
      controller?.abort(STOPPED);
    },
  };
}

// The code alone: an error's message and cause may hold the URL, and with it the UserSig.
function reasonOf({ code, name }: Error & { code?: unknown }): string {
  return typeof code === 'string' ? code : name;
}
