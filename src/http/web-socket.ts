// Subscriptions, and any other operations, over WebSocket, on the path of GraphQL: the connections, and their end.
// Browsers let a page of any origin open one and read it, so pages that may not read answers over HTTP are refused here.
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { CloseCode, handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { GRAPHQL_PATH } from '../server/yoga.ts';
import type { Cors } from './cors.ts';
import { createHeartbeat } from './heartbeat.ts';
import { SECURITY_HEADER_LINES } from './security-headers.ts';
import { close, createProtocol, type Peer, type ProtocolDependencies } from './web-socket-protocol.ts';

export type WebSockets = {
  /** Takes over the connection of a request that asks for it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes each connection as soon as what runs on it is finished, and cuts off whoever does not read. */
  leave(): void;
};

export type WebSocketDependencies = ProtocolDependencies & {
  cors: Pick<Cors, 'isForeignSocket'>;
  /** Whether new connections are welcome. */
  isReady(): boolean;
  onFault(error: unknown): void;
  /** Largest message. */
  maxBodyBytes: number;
  maxConnections: number;
};

/** Whoever leaves more unread than this gets no more. Each subscription waits until its last answer has left. */
const MOST_UNREAD_BYTES = 1_048_576;
/** So many pings may stay without an answer as long as something before them waits to be read: a minute. */
const MOST_UNANSWERED_IN_LINE = 5;
/** How long a client has to say goodbye. */
const CLOSE_TIMEOUT_MS = 2000;
const GOING_AWAY = 1001;

type Connection = Peer & { pingsUnanswered: number };

/** Creates what serves all WebSockets of a gateway. */
export function createWebSockets(dependencies: WebSocketDependencies): WebSockets {
  const { cors, isReady, onFault, maxBodyBytes, maxConnections, clock } = dependencies;
  let isLeaving = false;
  const protocol = createProtocol(dependencies, (peer) => {
    if (isLeaving) closeWhenDone(peer);
  });
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxBodyBytes,
    handleProtocols,
    // The types do not know it yet.
    ...{ closeTimeout: CLOSE_TIMEOUT_MS },
  });
  const heartbeat = createHeartbeat<Connection>(clock, (connection) => {
    const { socket, pingsUnanswered } = connection;
    // A ping may wait behind a long answer that is being read slowly.
    if (pingsUnanswered >= (socket.bufferedAmount > 0 ? MOST_UNANSWERED_IN_LINE : 1)) return socket.terminate();
    connection.pingsUnanswered++;
    socket.ping();
  });

  function accept(socket: WebSocket, request: IncomingMessage) {
    const connection: Connection = { socket, request, running: new Map(), viewer: null, pingsUnanswered: 0 };
    heartbeat.add(connection);
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) =>
          socket.on('message', (data) => {
            if (!isLeaving) receive(String(data)).catch((error) => fail(socket, error));
          }),
      },
      connection,
    );
    socket.on('pong', () => {
      connection.pingsUnanswered = 0;
    });
    // It closes by itself: after a message that is too large, broken frames, a reset.
    socket.on('error', () => {});
    socket.once('close', (code, reason) => {
      heartbeat.delete(connection);
      for (const { gone } of connection.running.values()) gone.abort();
      closed(code, String(reason)).catch(onFault);
    });
  }

  function fail(socket: WebSocket, error: unknown) {
    // What the library itself throws are messages that only a server may send.
    if (error instanceof Error && error.message.startsWith('Unexpected message'))
      return close(socket, CloseCode.BadRequest, 'Invalid message received');
    onFault(error);
    close(socket, CloseCode.InternalServerError, 'Something went wrong on our side.');
  }

  return {
    upgrade(request, socket, head) {
      socket.on('error', () => {});
      if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH)
        return write(socket, 404, `There is nothing here; GraphQL is at ${GRAPHQL_PATH}.`);
      if (cors.isForeignSocket(request))
        return write(
          socket,
          403,
          'Pages of other origins may not connect: CORS_ORIGINS does not name this one.',
          'FORBIDDEN',
        );
      if (!isReady()) return write(socket, 503, 'This gateway is about to stop; connect again.');
      if (heartbeat.members.size >= maxConnections) return write(socket, 503, 'There are too many connections.');
      server.handleUpgrade(request, socket, head, accept);
    },
    leave() {
      isLeaving = true;
      for (const { socket, running } of heartbeat.members) {
        if (socket.bufferedAmount > 0) socket.terminate();
        else closeWhenDone({ socket, running });
      }
    },
  };
}

/** Resolves when the message has left, so that the next one waits; never rejects: that it could not leave ends it all. */
function send(socket: WebSocket, data: string): Promise<void> {
  // What still runs gets to know of the close before it makes one more answer in vain.
  if (socket.readyState !== socket.OPEN) return loopTurn();
  if (socket.bufferedAmount > MOST_UNREAD_BYTES) socket.terminate();
  return new Promise((resolve) => socket.send(data, () => resolve()));
}

function closeWhenDone({ socket, running }: Pick<Peer, 'socket' | 'running'>) {
  // In the next turn of the event loop, when the last answer has been handed to the socket.
  setImmediate(() => {
    if (running.size === 0) close(socket, GOING_AWAY, 'Going away: connect again');
  });
}

/** Refuses a request for a WebSocket. */
function write(socket: Duplex, status: number, message: string, code = 'BAD_REQUEST'): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nx-request-id: ${randomUUID()}\r\n${SECURITY_HEADER_LINES}` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
