// The HTTP server: Node's own, with limits on what a client may take of it, and an end that drops no request.
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';

/** For connections that stay open. */
export type LongLived = {
  /** Takes over the connection of a request for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Called when no new connection is accepted any more: ends what would not end by itself. */
  leave(): void;
};

/** Slower clients are cut off: a request's headers, and a request whole, must arrive within these milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** How often the two are looked at; Node's own 30 s would let a slow client stay three times as long. */
const CHECK_MS = 1000;
/** Longer than common load balancers wait (60 s), so that they never reuse a connection that is being closed here. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;
/** A connection that is silent when the drain ends is kept so long, or as long as the drain: a request may be on its way. */
const LINGER_MS = 1000;

/** Answers are data: they load nothing, are shown in no frame, and are no script, image or style of another site. */
const SECURITY_HEADERS = new Map([
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-frame-options', 'DENY'],
  ['cross-origin-resource-policy', 'same-origin'],
  // The URL of a GET request holds what was asked.
  ['referrer-policy', 'no-referrer'],
]);

/** Makes a server. Without `longLived`, requests for a WebSocket are served like any other. */
export function createHttpServer(listener: RequestListener, clock: Clock, longLived?: LongLived) {
  let state: 'idle' | 'ready' | 'draining' | 'leaving' = 'idle';
  /** Every connection, and whether it was opened when readiness was off already. */
  const connections = new Map<Socket, { isLate: boolean }>();
  const running = new Set<ServerResponse>();

  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Others, such as h2c, are not taken. Behind requests that wait for their answers Node would take it before its turn.
      shouldUpgradeCallback: ({ headers, socket }) =>
        longLived !== undefined &&
        /^websocket$/i.test(headers.upgrade ?? '') &&
        ![...running].some(({ req }) => req.socket === socket),
    },
    serve,
  );
  server.on('checkExpectation', serve);
  if (longLived) server.on('upgrade', longLived.upgrade);
  server.on('connection', (socket) => {
    connections.set(socket, { isLate: state !== 'ready' });
    socket.once('close', () => connections.delete(socket));
  });

  function serve(request: IncomingMessage, response: ServerResponse): void {
    running.add(response);
    response.once('close', () => running.delete(response));
    response.setHeaders(SECURITY_HEADERS);
    if (isLast(request.socket)) response.setHeader('connection', 'close');
    listener(request, response);
  }

  /**
   * In the drain a client is sent elsewhere once. One that comes back has nowhere else to go yet: its connection stays,
   * because a connection that is opened just when we stop listening would be reset.
   */
  function isLast(socket: Socket): boolean {
    return state === 'leaving' || (state === 'draining' && !connections.get(socket)?.isLate);
  }

  return {
    /** Starts to accept; resolves with the URL. Port 0 takes a free one. */
    async listen(port: number, host: string): Promise<string> {
      server.listen(port, host);
      await once(server, 'listening');
      state = 'ready';
      const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
      return `http://${name}:${(server.address() as AddressInfo).port}`;
    },
    /** Whether requests are welcome: listening, and not about to stop. */
    isReady: () => state === 'ready',
    /**
     * Stops without dropping a request. Readiness goes off at once, and for `drainMs` everything is still served while
     * load balancers turn away. Then running requests are finished.
     */
    async drain(drainMs: number): Promise<void> {
      state = 'draining';
      if (drainMs > 0) await clock.sleep(drainMs);
      state = 'leaving';
      // Not http's own close, which also closes idle connections at once, under the request that may be on its way.
      const closed = new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
      for (const response of running) if (!response.headersSent) response.setHeader('connection', 'close');
      longLived?.leave();
      if (drainMs > 0) await clock.sleep(Math.min(drainMs, LINGER_MS));
      // Those that begin meanwhile are waited for too.
      for (const response of running) await once(response, 'close').catch(() => {});
      server.closeAllConnections();
      await closed;
      // Ends Node's check of the timeouts, which is needed until here.
      server.close();
    },
    /** Stops at once; running requests are cut off. */
    destroy(): void {
      server.close();
      // Node does not count connections as its own that were upgraded.
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

/** How much of a body that is too large is still taken: a client that is cut off while it sends never sees its answer. */
const MAX_DROPPED_BYTES = 1_048_576;

/**
 * Reads a request body as text; null when it is larger than `maxBytes`, for which `onTooLarge` is called as soon as it is
 * known. Bytes that are no text are ''. Rejects when the client goes away meanwhile.
 */
export function readBody(request: IncomingMessage, maxBytes: number, onTooLarge = () => {}): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let read: Buffer[] = [];
    let bytes = 0;
    let isTooLarge = Number(request.headers['content-length']) > maxBytes;
    if (isTooLarge) onTooLarge();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (isTooLarge) {
        if (bytes > maxBytes + MAX_DROPPED_BYTES) resolve(null);
      } else if (bytes > maxBytes) {
        isTooLarge = true;
        read = [];
        onTooLarge();
      } else read.push(chunk);
    });
    request.on('end', () => resolve(isTooLarge ? null : textOf(read, bytes)));
    request.on('error', reject);
    if (request.destroyed) reject(new Error('The client went away before its request was read.'));
  });
}

function textOf(read: readonly Buffer[], bytes: number): string {
  const body = read.length === 1 ? (read[0] as Buffer) : Buffer.concat(read, bytes);
  // Decoding would put replacement characters into what the client has said. A byte order mark is no part of it.
  return isUtf8(body) ? body.toString('utf8').replace(/^\uFEFF/, '') : '';
}
