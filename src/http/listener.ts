// The socket side of the server: it listens, and it stops without dropping a request.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.ts';

export type Listener = {
  /** Starts to accept; resolves with the URL. Port 0 takes a free one. */
  listen(port: number, host: string): Promise<string>;
  /** Whether requests are welcome: listening, and not on the way out. */
  isReady(): boolean;
  /**
   * Leaves without dropping a request: readiness goes off at once; for `drainMs` requests are still served while load
   * balancers turn away, each answer asking its client to reconnect elsewhere; then what runs is finished.
   */
  drain(drainMs: number): Promise<void>;
  /** Stops at once; what runs is cut off. */
  destroy(): void;
};

/** Slower clients are cut off: a request's headers, and a request whole, must arrive within these milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time of common load balancers (60 s), so that they never reuse a connection we are closing. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

export function createListener(front: RequestListener, clock: Clock): Listener {
  let state: 'idle' | 'ready' | 'draining' | 'closing' = 'idle';
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
    (request, response) => {
      if (state !== 'ready') response.setHeader('connection', 'close');
      // A connection whose request began before the drain learns of it here.
      response.once('finish', () => state === 'closing' && setImmediate(() => server.closeIdleConnections()));
      front(request, response);
    },
  );

  return {
    async listen(port, host) {
      await listening(server, port, host);
      state = 'ready';
      return urlOf(server, host);
    },
    isReady: () => state === 'ready',
    async drain(drainMs) {
      state = 'draining';
      await clock.sleep(drainMs);
      state = 'closing';
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
    },
    destroy() {
      state = 'closing';
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
