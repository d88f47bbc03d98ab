// The REST client: kept-alive connections to the upstream, and behind them the rules of when to try again.
import { Client, type Dispatcher, Pool } from 'undici';
import type { Clock } from '../clock.ts';
import type { CallOptions } from '../follow/services.ts';
import type { CallBudget, CallObserver, Exchange, HttpOutcome } from './attempts.ts';
import type { BreakerState } from './breaker.ts';
import { createCalls } from './calls.ts';
import type { Report } from './report.ts';
import { createSignature } from './signature.ts';
import type { Command } from './wire.ts';

export type { CallObserver } from './attempts.ts';
export type { Report } from './report.ts';

/** Calls the upstream's commands. */
export type TencentClient = {
  /**
   * Makes one call and answers with the parsed envelope of a success (contract 1.4); rejects with `GatewayError`s.
   * Tries again where the error table allows it, within the deadline.
   */
  call(command: Command, body: object, call: CallOptions): Promise<Record<string, unknown>>;
  /** Waits for the calls that are under way, then closes the connections. */
  close(): Promise<void>;
  /** The circuit breaker of every command that was ever called. */
  breakerStates(): Partial<Record<Command, BreakerState>>;
};

export type TencentClientOptions = {
  /** See `regionBaseUrl`; a path in it goes before `/v4`. */
  baseUrl: string;
  sdkAppId: number;
  /** An app admin's account: the upstream knows no other caller (contract 1.1). */
  adminId: string;
  secretKey: string;
  clock: Clock;
  /** One HTTP try, connecting included. The upstream's own timeout is 3 s, so stay above (contract 1.5). */
  timeoutMs?: number;
  connectTimeoutMs?: number;
  /** At most so many connections, each with one call at a time. */
  connections?: number;
  /** At least 0, below 1. */
  random?: () => number;
  /** Without one nothing is paced. */
  budget?: CallBudget;
  onCall?: CallObserver;
  report?: Report;
};

// Contract 1.3 knows no answer above 1 MB; a larger one is somebody else's.
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
// Shorter than common idle limits of load balancers; the upstream's own is not documented (contract 1.5).
const IDLE_CONNECTION_MS = 30_000;

/** Creates the client. Nothing connects before the first call. */
export function createTencentClient(options: TencentClientOptions): TencentClient {
  const { baseUrl, timeoutMs = 5000, connectTimeoutMs = 1000, connections = 64 } = options;
  const { random = Math.random, report = () => {} } = options;
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
    // Every try has a deadline of its own; undici's timers are coarser.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url, clientOptions) => rememberCarrier(new Client(url, clientOptions)),
  });

  function send(path: string, body: string): Exchange {
    return exchange(pool, `${prefix}${path}`, body);
  }

  const signature = createSignature(options);
  const calls = createCalls({ ...options, send, connections, signature, timeoutMs, random, report });
  let closed: Promise<void> | undefined;
  return {
    ...calls,
    close() {
      closed ??= pool.close();
      return closed;
    },
  };
}

/** A connection, and how many answers it has carried since it was opened. */
type Carrier = { answers: number };

/** What takes one answer, and the connection that it was given to; null while there is none. */
type Taker = Dispatcher.DispatchHandler & { carrier: Carrier | null };

// Only this tells a connection that died of old age, which is no failure of the upstream, from one that never worked.
function rememberCarrier(connection: Client): Client {
  const carrier: Carrier = { answers: 0 };
  const dispatch = connection.dispatch.bind(connection);
  connection.on('connect', () => {
    carrier.answers = 0;
  });
  connection.dispatch = (request, handler) => {
    (handler as Taker).carrier = carrier; // the pool is asked by `exchange` alone
    return dispatch(request, handler);
  };
  return connection;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

// Pool.dispatch rather than Pool.request: no stream per answer, a third less CPU.
function exchange(pool: Pool, path: string, body: string): Exchange {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  const chunks: Buffer[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let status = 0;
  let stopped = false;

  const taker: Taker = {
    carrier: null,
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
    onResponseEnd() {
      if (taker.carrier) taker.carrier.answers += 1;
      const [only = Buffer.alloc(0)] = chunks;
      resolve({ kind: 'answer', status, bytes: chunks.length > 1 ? Buffer.concat(chunks) : only });
    },
    onResponseError(_controller, error) {
      const sent = controller !== undefined;
      const reused = (taker.carrier?.answers ?? 0) > 0;
      resolve({ kind: 'failed', reason: reasonOf(error), sent, stale: sent && reused && status === 0 });
    },
  };
  pool.dispatch({ method: 'POST', path, headers: HEADERS, body }, taker);

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

const STOPPED = new Error('stopped');

// The code alone: an error's message and cause may hold the URL, and with it the UserSig.
function reasonOf(error: Error): string {
  const { code, name } = error as { code?: unknown; name: string }; // system and undici errors carry a code
  return typeof code === 'string' ? code : name;
}
