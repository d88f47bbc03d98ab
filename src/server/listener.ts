// The socket side of the server: it listens, and it stops without dropping a request.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { KEEP_ALIVE_SECONDS, setSecurityHeaders } from '../http/security-headers.ts';
import { listening, urlOf } from './bind.ts';
import { end, refuseBroken } from './broken-requests.ts';
import { acceptWhoWaits, makeLast, sleepUnless, stopListening } from './leaving.ts';

export type Listener = {
  /** Starts to accept; resolves with the URL. Port 0 takes a free one. */
  listen(port: number, host: string): Promise<string>;
  /** Whether requests are welcome: listening, and not on the way out. */
  isReady(): boolean;
  /**
   * Leaves without dropping a request. Readiness goes off at once, and `until` then (a promise, or so many milliseconds)
   * everything is still served while load balancers turn away. Then nobody new gets in, each answer is its connection's last, and what runs is finished.
   */
  drain(until: number | Promise<unknown>): Promise<void>;
  /** Stops at once; what runs is cut off. */
  destroy(): void;
};

/** What a client may take of a connection. */
export type Patience = {
  /** Slower clients are cut off: a request's headers, and a request whole, must arrive within these milliseconds. */
  headersMs: number;
  requestMs: number;
  /** How often the two are looked at; Node's own 30 s would let a slow client stay three times as long. */
  checkMs: number;
};
const PATIENCE: Patience = { headersMs: 10_000, requestMs: 30_000, checkMs: 1000 };
const MOST_HEADER_BYTES = 16_384;
/** Requests that one connection may send before the first is answered: they all run at once. */
const MOST_AT_ONCE = 100;
/** A connection that is idle when the drain ends is kept so long, or as long as the drain: a request may be on its way. */
const LINGER_MS = 1000;

/** For connections that stay open. */
export type LongLived = {
  /** Takes over the connection of a request for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Told when nobody new gets in any more: to end what would not end by itself. */
  leave(): void;
};

type Connection = {
  /** Whether it came after readiness went off. */
  readonly late: boolean;
  /** What runs on it, in the order of its requests. */
  readonly running: Set<ServerResponse>;
  isRefused: boolean;
};

export type ListenerOptions = {
  /** Without it requests for a WebSocket are served like any other. */
  longLived?: LongLived | undefined;
  patience?: Patience;
};

/** Makes a listener. */
export function createListener(front: RequestListener, clock: Clock, options: ListenerOptions = {}): Listener {
  const { longLived, patience = PATIENCE } = options;
  const { headersMs, requestMs, checkMs } = patience;
  let state: 'idle' | 'ready' | 'draining' | 'leaving' = 'idle';
  const running = new Set<ServerResponse>();
  /** Every open connection. */
  const connections = new Map<Socket, Connection>();
  /** Requests that came while the last connections are accepted; null at all other times. */
  let held: (() => void)[] | null = null;

  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      maxHeaderSize: MOST_HEADER_BYTES,
      // Node would refuse such a request in a shape of its own.
      requireHostHeader: false,
      keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
      // Clients offer other upgrades, such as h2c, which are simply not taken.
      shouldUpgradeCallback: ({ headers }) => longLived !== undefined && /^websocket$/i.test(headers.upgrade ?? ''),
    },
    (request, response) => {
      const connection = request.socket;
      const own = connections.get(connection)?.running;
      running.add(response);
      own?.add(response);
      response.once('close', () => {
        running.delete(response);
        own?.delete(response);
      });
      setSecurityHeaders(response);
      if (own && own.size > MOST_AT_ONCE)
        return end(response, 429, `At most ${MOST_AT_ONCE} requests may run at once on one connection.`, 'THROTTLED');
      if (state !== 'ready' && isLast(connection)) response.setHeader('connection', 'close');
      if (held) held.push(() => front(request, response));
      else front(request, response);
    },
  );
  if (longLived) server.on('upgrade', longLived.upgrade);
  server.on('connection', (socket) => {
    connections.set(socket, { late: state !== 'ready', running: new Set(), isRefused: false });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const connection = connections.get(socket as Socket);
    if (!connection) return socket.destroy();
    // Whoever goes on sending nonsense has been told.
    if (connection.isRefused) return;
    connection.isRefused = true;
    refuseBroken(error, socket, Array.from(connection.running).at(-1));
  });
  server.on('checkExpectation', (_request, response) => {
    setSecurityHeaders(response);
    end(response, 417, 'Nothing but "100-continue" may be expected.');
  });

  /**
   * In the drain a client is sent elsewhere once. One that comes back has nowhere else to go yet: its connection stays,
   * because a connection that is opened just when we stop listening would be reset.
   */
  function isLast(socket: Socket): boolean {
    return state === 'leaving' || !connections.get(socket)?.late;
  }

  function closeUnused() {
    server.closeIdleConnections();
    // Node does not count those as idle that never sent it a byte.
    for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  return {
    async listen(port, host) {
      await listening(server, port, host);
      state = 'ready';
      return urlOf(server, host);
    },
    isReady: () => state === 'ready',
    async drain(until) {
      state = 'draining';
      if (typeof until !== 'number') await until;
      else if (until > 0) await clock.sleep(until);
      // Work waits meanwhile, so that hardly any time passes between the last look at the queue and its end.
      held = [];
      await acceptWhoWaits(server);
      state = 'leaving';
      const closed = stopListening(server);
      longLived?.leave();
      for (const response of running) makeLast(response);
      for (const serve of held) serve();
      held = null;
      const lingerMs = typeof until === 'number' ? Math.min(until, LINGER_MS) : LINGER_MS;
      if (lingerMs > 0) await sleepUnless(closed, lingerMs, clock);
      // What has arrived while this process was busy is read before anything counts as unused.
      await loopTurn();
      closeUnused();
      await closed;
      // Ends Node's check of the timeouts, which is needed until here.
      server.close();
    },
    destroy() {
      state = 'leaving';
      server.close();
      // Node does not count those as its own that were upgraded.
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}
