// GraphQL over WebSocket, by graphql-ws: who may connect, what runs at once, and the drain.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { CloseCode, type SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticate } from '../auth/authentication.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { BeginSpan } from '../span.ts';
import { type ClientRateLimit, tooManyRequests } from './client-rate-limit.ts';
import { ClientSocket, cutOffUnread, viewerOf } from './client-socket.ts';
import type { Cors } from './cors.ts';
import { publicAnswer } from './public-answer.ts';
import { refusal } from './refusals.ts';
import { clientNames, clientOf, GRAPHQL_PATH, logLineOf, openRequest, pathOf } from './request-state.ts';
import type { Answers, Graphql } from './yoga.ts';

export type WebSocketDependencies = {
  config: Pick<Config, 'maxBodyBytes' | 'maxResponseBytes' | 'maxSubscriptions'>;
  graphql: Pick<Graphql, 'run'>;
  schema: GraphQLSchema;
  authenticate: Authenticate;
  secondsToWait: ClientRateLimit;
  cors: Pick<Cors, 'isForeignSocket'>;
  /** Whether new connections are welcome, and a load balancer should send requests here. */
  isReady(): boolean;
  beginSpan: BeginSpan;
  log: Logger;
  clock: Clock;
};

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
/** A connection ends before its credentials: a subscription that ended by itself would not begin again. */
const CLOSE_EARLY_MS = 50;
/** A close frame has room for 123 bytes. */
const LONGEST_REASON_BYTES = 120;

type OperationArgs = ExecutionArgs & { result: ExecutionResult | Answers };

/** Creates the WebSocket server of a gateway. */
export function createWebSockets(dependencies: WebSocketDependencies) {
  const { graphql, schema, authenticate, secondsToWait, cors, isReady, beginSpan, log, clock } = dependencies;
  const { maxBodyBytes, maxResponseBytes, maxSubscriptions } = dependencies.config;
  let isLeaving = false;

  const server = new WebSocketServer<typeof ClientSocket>({
    noServer: true,
    WebSocket: ClientSocket,
    maxPayload: maxBodyBytes,
    // Its types do not name this option yet.
    ...{ closeTimeout: CLOSE_TIMEOUT_MS },
    verifyClient({ req }, answer) {
      if (pathOf(req) !== GRAPHQL_PATH) answer(false, 404, `GraphQL is at ${GRAPHQL_PATH}.`);
      else if (cors.isForeignSocket(req)) answer(false, 403, 'CORS_ORIGINS does not name the origin of this page.');
      else if (server.clients.size >= maxSubscriptions) answer(false, 503, 'There are too many connections.');
      else answer(true);
    },
  });

  useServer<Record<string, unknown>, { socket: ClientSocket }>(
    {
      // Its own errors reach no client.
      isProd: true,
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      async onConnect({ extra: { socket, request }, connectionParams = {} }) {
        try {
          const viewer = await viewerOf(authenticate, request, connectionParams);
          socket.viewer = viewer;
          if (viewer?.expiresAt != null) {
            // By this code clients connect again, with new credentials.
            const close = () => socket.close(CloseCode.Forbidden, 'Forbidden: the credentials have expired');
            socket.once('close', clock.alarm(viewer.expiresAt - CLOSE_EARLY_MS - clock.now(), close));
          }
          return true;
        } catch (error) {
          if (!(error instanceof GatewayError)) {
            log.error({ err: error }, 'A bug of ours failed a WebSocket');
            socket.close(CloseCode.InternalServerError, 'Something went wrong on our side.');
            return false;
          }
          // A client that tries credentials is anonymous so far.
          const seconds = await secondsToWait(request, null);
          if (seconds !== null) socket.close(TRY_AGAIN_LATER, reasonOf(tooManyRequests(seconds)));
          else if (error.code === 'UNAUTHENTICATED')
            socket.close(CloseCode.Forbidden, reasonOf(`Forbidden: ${error.message}`));
          else socket.close(TRY_AGAIN_LATER, reasonOf(error.message));
          return false;
        }
      },
      async onSubscribe({ connectionParams, extra: { socket, request } }, _id, payload) {
        // Nothing more begins on a connection that is about to close: the client asks again elsewhere.
        if (isLeaving) return new Promise<never>(() => {});
        const { viewer, running, disconnect } = socket;
        if (running.size >= MAX_RUNNING)
          return [refusal(429, `At most ${MAX_RUNNING} operations may run at once on one connection.`, 'THROTTLED')];
        const state = openRequest(request.headers, 'websocket', clock, () => disconnect.signal);
        state.viewer = viewer;
        state.client = clientOf({ ...request.headers, ...connectionParams });
        state.span = beginSpan('GraphQL over WebSocket', request.headers);
        running.set(payload, state);
        const seconds = await secondsToWait(request, viewer);
        const result =
          seconds === null
            ? await graphql.run({ ...payload }, state)
            : { errors: [refusal(429, tooManyRequests(seconds), 'THROTTLED')] };
        // Only now it is known what would not end by itself.
        if (isLeaving) closeWhenAnswered(socket);
        // An operation that has begun is answered, by an error if need be.
        if (state.document)
          return {
            schema,
            document: state.document,
            operationName: payload.operationName || undefined,
            result,
          } as OperationArgs;
        finish(socket, payload);
        return 'errors' in result ? (result.errors ?? []) : [];
      },
      execute: run,
      subscribe: run,
      async onNext({ extra: { socket } }, _id, _payload, _args, answer) {
        // A subscription hears of the close before it makes one more answer for it.
        if (socket.readyState !== socket.OPEN) await eventLoopTurn();
        return publicAnswer(answer, maxResponseBytes);
      },
      onError: (_context, _id, _payload, errors) => publicAnswer({ errors }, maxResponseBytes).errors as GraphQLError[],
      onComplete: ({ extra: { socket } }, _id, payload) => finish(socket, payload),
    },
    server,
    KEEP_ALIVE_MS,
  );

  server.on('connection', (socket) => {
    // ws answers these by itself.
    socket.on('ping', () => cutOffUnread(socket));
    // graphql-ws would write to the console what broken frames a client sends; ws closes the connection by itself.
    socket.removeAllListeners('error').on('error', () => {});
    socket.once('close', () => socket.disconnect.abort());
    // Refused before they are open, clients would not connect again.
    if (!isReady()) goAway(socket);
  });

  function finish(socket: ClientSocket, payload: SubscribePayload) {
    const state = socket.running.get(payload);
    if (!state) return;
    socket.running.delete(payload);
    state.span.set(clientNames(state));
    state.span.end();
    log.info({ ...logLineOf(state), ms: Math.round(clock.monotonicMs() - state.startedAt) }, 'operation');
    if (isLeaving) closeWhenAnswered(socket);
  }

  /** Subscriptions are not completed: a client that reads `complete` would not come back. */
  function closeWhenAnswered(socket: ClientSocket) {
    if ([...socket.running.values()].some(({ operationType }) => operationType !== 'subscription')) return;
    // The last answer is handed to the socket in this turn of the event loop.
    setImmediate(() => goAway(socket));
  }

  return {
    /** Takes over the connection of a request that asks for it. */
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request)),
    /** Closes each connection as soon as the queries and mutations that run on it are answered. */
    leave(): void {
      isLeaving = true;
      for (const socket of server.clients) closeWhenAnswered(socket);
    },
  };
}

const goAway = (socket: WebSocket) => socket.close(GOING_AWAY, 'Going away: connect again');

const reasonOf = (text: string) => Buffer.from(text).subarray(0, LONGEST_REASON_BYTES).toString();

const run = (args: ExecutionArgs) => (args as OperationArgs).result;
