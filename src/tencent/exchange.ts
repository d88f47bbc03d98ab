// One HTTP exchange with the upstream on a kept-alive connection: bytes out, bytes in, and how it ended.
import { Client, type Dispatcher, Pool } from 'undici';

/** One HTTP request under way. `stop` closes its connection and settles `outcome`, which never rejects. */
export type Exchange = { outcome: Promise<HttpOutcome>; stop(): void };

export type HttpOutcome =
  | { kind: 'answer'; status: number; bytes: Buffer }
  /**
   * `sent`: bytes may have left. `stale`: a connection that had carried an answer before died without a byte of this one,
   * which is old age and no failure of the upstream.
   */
  | { kind: 'failed'; reason: string; sent: boolean; stale: boolean }
  | { kind: 'stopped' };

export type ExchangesOptions = { connectTimeoutMs: number; connections: number };

/** An answer is at most 1 MB (CONTRACT 1.3); a larger one is not the upstream's. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Shorter than common idle limits of load balancers; the upstream documents none (CONTRACT 1.5). */
const IDLE_CONNECTION_MS = 30_000;
const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };
const STOPPED = new Error('stopped');

/** Makes a pool of connections to `baseUrl`; a path in it goes before that of each request. Nothing connects yet. */
export function createExchanges(baseUrl: string, { connectTimeoutMs, connections }: ExchangesOptions) {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: connectTimeoutMs },
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
    // Every try has a deadline; undici's timers are coarser.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url, options) => markStale(new Client(url, options)),
  });
  return {
    send: (path: string, body: string) => exchange(pool, `${prefix}${path}`, body),
    close: () => pool.close(),
  };
}

/** A failure of a connection that had carried an answer since it was opened. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/** A client has one connection at a time: counts the answers that it has carried, and marks the failures of a used one. */
function markStale(client: Client): Dispatcher {
  let answers = 0;
  client.on('connect', () => {
    answers = 0;
  });
  return client.compose((dispatch) => (request, handler) => {
    let begun = false;
    return dispatch(request, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onResponseStart(...start) {
        begun = true;
        handler.onResponseStart?.(...start);
      },
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd(...end) {
        answers++;
        handler.onResponseEnd?.(...end);
      },
      onResponseError(controller, error) {
        const isStale = answers > 0 && !begun;
        handler.onResponseError?.(controller, isStale ? new StaleConnection('', { cause: error }) : error);
      },
    });
  });
}

// Pool.dispatch rather than Pool.request: no stream per answer, a third less CPU.
function exchange(pool: Pool, path: string, body: string): Exchange {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  const chunks: Buffer[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let status = 0;
  let stopped = false;

  pool.dispatch(
    { method: 'POST', path, headers: HEADERS, body },
    {
      onRequestStart(started) {
        controller = started;
        if (stopped) started.abort(STOPPED);
      },
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, chunk) {
        // What a gateway's error page says is never read.
        if (status === 200) chunks.push(chunk);
      },
      onResponseEnd: () => resolve({ kind: 'answer', status, bytes: Buffer.concat(chunks) }),
      onResponseError(_controller, error) {
        const sent = controller !== undefined;
        const stale = sent && error instanceof StaleConnection;
        resolve({ kind: 'failed', reason: reasonOf(stale ? error.cause : error), sent, stale });
      },
    },
  );

  return {
    outcome: promise,
    stop() {
      stopped = true;
      resolve({ kind: 'stopped' });
      // A call that still waits for a connection has none to close.
      controller?.abort(STOPPED);
    },
  };
}

// The code alone: an error's message and cause may hold the URL, and with it the UserSig.
function reasonOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name: string }; // undici hands over errors; system errors have a code
  return typeof code === 'string' ? code : name;
}
