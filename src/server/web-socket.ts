// GraphQL over WebSocket, by graphql-ws: who may connect, what runs at once, what may stay unread, and the drain.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import { CloseCode, type SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { Authenticate } from '../auth/authentication.ts';
import type { Viewer } from '../auth/viewer.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Cors } from '../http/cors.ts';
import { type Answer, type Answers, errorForClients, forClients } from './answers.ts';
import { type ClientRateLimit, tooManyRequests } from './client-rate-limit.ts';
import type { DocumentParams } from './document-request.ts';
import { type Exchange, forLog, type LoggedExchange, openExchange } from './exchange.ts';
import { GRAPHQL_PATH } from './front.ts';

/** An operation that did not come over HTTP. */
export type Operation = Pick<SubscribePayload, 'operationName' | 'variables' | 'extensions'> &
  DocumentParams & {
    exchange: Exchange;
    /** Aborts when nobody waits for the answer any more. */
    gone: AbortSignal;
  };

/** An operation that has been checked, and the way to run it. */
export type PreparedOperation = ExecutionArgs & { run(): Promise<Answer | Answers> };
export type Prepared = PreparedOperation | readonly GraphQLError[];

export type WebSockets = {
  /** Takes over the connection of a request that asks for it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes each connection as soon as the queries and mutations that run on it are answered. */
  leave(): void;
};

export type WebSocketDependencies = {
  /** Checks an operation: the errors tell why it cannot run. */
  prepare(operation: Operation): Prepared | Promise<Prepared>;
  authenticate: Authenticate;
  tooSoon: ClientRateLimit;
  cors: Pick<Cors, 'isForeignSocket'>;
  /** Whether new connections are welcome. */
  isReady(): boolean;
  /** Told when an operation is over. */
  onOperation(exchange: LoggedExchange, facts: { ms: number }): void;
  onFault(error: unknown): void;
  maxBodyBytes: number;
  maxConnections: number;
  clock: Clock;
};

/** A client that leaves more than this unread is cut off when the next message is sent to it. */
const MAX_UNREAD_BYTES = 500_000;
/** Operations that may run at once on one connection. */
const MAX_RUNNING = 100;
/** How long a client has to say who it is. */
const INIT_TIMEOUT_MS = 5000;
/** How long a client has to answer a ping, which may wait behind a long answer on a slow network. */
const KEEP_ALIVE_MS = 25_000;
/** How long a client has to answer a close. */
const CLOSE_TIMEOUT_MS = 2000;
/** Clients connect and subscribe again after these codes. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** A close frame has room for 123 bytes. */
const LONGEST_REASON = 120;

type Running = { exchange: Exchange; startedAt: number; isSubscription: boolean };
type Connection = {
  viewer: Viewer | null;
  requestId: string;
  running: Map<SubscribePayload, Running>;
  gone: AbortController;
};

/** Creates the WebSocket server of a gateway. */
export function createWebSockets(dependencies: WebSocketDependencies): WebSockets {
  const { prepare, authenticate, tooSoon, cors, isReady, onOperation, onFault, clock } = dependencies;
  const { maxBodyBytes, maxConnections } = dependencies;
  const connections = new WeakMap<WebSocket, Connection>();
  let isLeaving = false;

  const server = new WebSocketServer({
    noServer: true,
    WebSocket: ClientSocket,
    maxPayload: maxBodyBytes,
    // Its types do not name this option yet.
    ...{ closeTimeout: CLOSE_TIMEOUT_MS },
    verifyClient({ req }, answer) {
      if (req.url?.split('?', 1)[0] !== GRAPHQL_PATH) answer(false, 404, `GraphQL is at ${GRAPHQL_PATH}.`);
      else if (cors.isForeignSocket(req)) answer(false, 403, 'CORS_ORIGINS does not name the origin of this page.');
      else if (!isReady()) answer(false, 503, 'This gateway is about to stop: connect again.');
      else if (server.clients.size >= maxConnections) answer(false, 503, 'There are too many connections.');
      else answer(true);
    },
  });

  useServer<Record<string, unknown>>(
    {
      // Its own errors are told to no client.
      isProd: true,
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      async onConnect({ extra: { socket, request }, connectionParams = {} }) {
        try {
          const viewer = await viewerOf(authenticate, request, connectionParams);
          connectionOf(socket).viewer = viewer;
          return true;
        } catch (error) {
          if (!(error instanceof GatewayError)) {
            onFault(error);
            socket.close(CloseCode.InternalServerError, 'Something went wrong on our side.');
          } else if (error.code === 'UNAUTHENTICATED')
            socket.close(CloseCode.Unauthorized, `Unauthorized: ${error.message}`.slice(0, LONGEST_REASON));
          else socket.close(TRY_AGAIN_LATER, error.message.slice(0, LONGEST_REASON));
          return false;
        }
      },
      async onSubscribe({ extra: { socket, request } }, _id, payload) {
        // Nothing more begins on a connection that is about to close: the client asks again elsewhere.
        if (isLeaving) return new Promise<never>(() => {});
        const { viewer, running, requestId, gone } = connectionOf(socket);
        if (running.size >= MAX_RUNNING)
          return [failure('THROTTLED', `At most ${MAX_RUNNING} operations may run at once on one connection.`)];
        if (viewer?.expiresAt != null && viewer.expiresAt <= clock.now())
          return [failure('UNAUTHENTICATED', 'The credentials have expired: connect again with new ones.')];
        const exchange = openExchange(requestId);
        exchange.viewer = viewer;
        const operation: Running = { exchange, startedAt: clock.now(), isSubscription: false };
        running.set(payload, operation);
        const seconds = await tooSoon(request, viewer);
        const prepared =
          seconds === null
            ? await prepare({ ...payload, exchange, gone: gone.signal })
            : [failure('THROTTLED', tooManyRequests(seconds))];
        if ('run' in prepared) operation.isSubscription = isSubscription(prepared);
        else finish(socket, payload);
        return prepared;
      },
      execute: run,
      subscribe: run,
      async onNext({ extra: { socket } }, _id, _payload, _args, answer) {
        // A subscription hears of the close before it makes one more answer in vain.
        if (socket.readyState !== socket.OPEN) await eventLoopTurn();
        return forClients(answer);
      },
      onError: (_context, _id, _payload, errors) => errors.map(errorForClients),
      onComplete: ({ extra: { socket } }, _id, payload) => finish(socket, payload),
    },
    server,
    KEEP_ALIVE_MS,
  );

  server.on('connection', (socket, request) => {
    const { requestId } = openExchange(request.headers['x-request-id']?.toString());
    const gone = new AbortController();
    connections.set(socket, { viewer: null, requestId, running: new Map(), gone });
    // ws answers these by itself.
    socket.on('ping', () => cutOffUnread(socket));
    // graphql-ws would write to the console what broken frames a client sends; ws closes the connection by itself.
    socket.removeAllListeners('error').on('error', () => {});
    socket.once('close', () => gone.abort());
  });

  const connectionOf = (socket: WebSocket) => connections.get(socket) as Connection;

  function finish(socket: WebSocket, payload: SubscribePayload) {
    const { running } = connectionOf(socket);
    const operation = running.get(payload);
    if (!operation) return;
    running.delete(payload);
    onOperation(forLog(operation.exchange), { ms: clock.now() - operation.startedAt });
    if (isLeaving) closeWhenAnswered(socket);
  }

  /** Subscriptions are not completed: a client that is told so would not come back. */
  function closeWhenAnswered(socket: WebSocket) {
    if ([...connectionOf(socket).running.values()].some(({ isSubscription }) => !isSubscription)) return;
    // The last answer is handed to the socket in this turn of the event loop.
    setImmediate(() => socket.close(GOING_AWAY, 'Going away: connect again'));
  }

  return {
    upgrade: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request)),
    leave() {
      isLeaving = true;
      for (const socket of server.clients) closeWhenAnswered(socket);
    },
  };
}

/** A connection of which a client's absence is no error: what runs on it ends by the close. */
class ClientSocket extends WebSocket {
  override send(data: Parameters<WebSocket['send']>[0], whenSent?: unknown): void {
    cutOffUnread(this);
    const next = whenSent as () => void;
    // A subscription that always has more would keep the event loop from ever telling of the close.
    super.send(data, (error) => (error ? setImmediate(next) : next()));
  }
}

function cutOffUnread(socket: WebSocket) {
  if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
}

/**
 * Headers and connection parameters are asked one by one, never mixed: a parameter must not complete or replace what a
 * trusted router says. Where both prove somebody, it must be the same.
 */
async function viewerOf(authenticate: Authenticate, request: IncomingMessage, parameters: Record<string, unknown>) {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters))
    if (typeof value === 'string') texts.set(name.toLowerCase(), value);
  const byHeader = await authenticate((name) => request.headersDistinct[name]?.join(', '));
  const byParameter = await authenticate((name) => texts.get(name));
  if (!byHeader || !byParameter) return byHeader ?? byParameter;
  if (byHeader.userId !== byParameter.userId)
    throw new GatewayError('UNAUTHENTICATED', 'The headers and the connection parameters prove different users.');
  const endOf = ({ expiresAt }: Viewer) => expiresAt ?? Number.POSITIVE_INFINITY;
  return endOf(byHeader) < endOf(byParameter) ? byHeader : byParameter;
}

/** All that runs here has been prepared. */
const run = (args: ExecutionArgs) => (args as PreparedOperation).run();

const isSubscription = ({ document, operationName }: ExecutionArgs) =>
  getOperationAST(document, operationName)?.operation === 'subscription';

const failure = (code: ErrorCode, message: string) => new GraphQLError(message, { extensions: { code } });
