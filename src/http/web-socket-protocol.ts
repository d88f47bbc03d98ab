// What is said over a WebSocket: the protocol graphql-transport-ws, who asks, and what runs.
import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, makeServer, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Authenticate } from '../auth/authentication.ts';
import type { Viewer } from '../auth/viewer.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { logLineOf, openRequest, type RequestState } from '../server/request-state.ts';
import type { Answers, Graphql } from '../server/yoga.ts';
import { tooManyRequests } from './client-rates.ts';

type Running = ExecutionArgs & { result: ExecutionResult | Answers };

export type ProtocolDependencies = {
  graphql: Pick<Graphql, 'run'>;
  schema: GraphQLSchema;
  authenticate: Authenticate;
  /** Counts an operation: in how many seconds its client may come again; null when it may go on. */
  tooSoon?(request: IncomingMessage, viewer: Viewer | null): number | null;
  /** Told when an operation is over. */
  onOperation(line: ReturnType<typeof logLineOf> & { ms: number }): void;
  clock: Clock;
};

/** A client and its connection. */
export type Peer = {
  readonly socket: WebSocket;
  /** The request that became this connection. */
  readonly request: IncomingMessage;
  readonly running: Map<SubscribePayload, { state: RequestState; gone: AbortController; startedAt: number }>;
  viewer: Viewer | null;
};

/** Operations that may run at once on one connection. */
const MOST_RUNNING = 100;
/** How long a client has to say who it is. */
const INIT_TIMEOUT_MS = 5000;
/** Longer reasons do not fit into a close frame. */
const LONGEST_REASON_BYTES = 123;
const TRY_AGAIN_LATER = 1013;

/** Makes the one who speaks with peers. `onEnd` is called when an operation of a peer is over. */
export function createProtocol(
  { graphql, schema, authenticate, tooSoon = () => null, onOperation, clock }: ProtocolDependencies,
  onEnd: (peer: Peer) => void,
) {
  function finish(peer: Peer, payload: SubscribePayload) {
    const operation = peer.running.get(payload);
    if (!operation) return;
    peer.running.delete(payload);
    onOperation({ ...logLineOf(operation.state), ms: clock.now() - operation.startedAt });
    onEnd(peer);
  }

  return makeServer<Record<string, unknown>, Peer>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    async onConnect({ extra: peer, connectionParams = {} }) {
      try {
        peer.viewer = await viewerOf(authenticate, peer.request, connectionParams);
        return true;
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        if (error.code === 'UNAUTHENTICATED')
          close(peer.socket, CloseCode.Unauthorized, `Unauthorized: ${error.message}`);
        else close(peer.socket, TRY_AGAIN_LATER, error.message);
        return false;
      }
    },
    async onSubscribe({ extra: peer }, _id, payload) {
      const { viewer, running } = peer;
      if (running.size >= MOST_RUNNING)
        return [failure('THROTTLED', `At most ${MOST_RUNNING} operations may run at once on one connection.`)];
      if (viewer?.expiresAt != null && viewer.expiresAt <= clock.now())
        return [failure('UNAUTHENTICATED', 'The credentials have expired: connect again with new ones.')];
      const seconds = tooSoon(peer.request, viewer);
      if (seconds !== null) return [failure('THROTTLED', tooManyRequests(seconds))];
      const gone = new AbortController();
      const state = openRequest(peer.request.headers, 'websocket', () => gone.signal);
      state.viewer = viewer;
      running.set(payload, { state, gone, startedAt: clock.now() });
      const result = await graphql.run({ ...payload }, state);
      // Nothing has begun.
      if (state.document === null && !('next' in result)) {
        finish(peer, payload);
        return result.errors ?? [];
      }
      return { schema, document: state.document, operationName: payload.operationName, result } as Running;
    },
    execute: run,
    subscribe: run,
    onNext: (_context, _id, _payload, _args, { errors, ...answer }) =>
      errors ? { ...answer, errors: errors.map(errorForClients) } : answer,
    onError: (_context, _id, _payload, errors) => errors.map(errorForClients),
    onComplete: ({ extra: peer }, _id, payload) => finish(peer, payload),
  });
}

/** Closes a connection with as much of a reason as fits. */
export function close(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, Buffer.byteLength(reason) > LONGEST_REASON_BYTES ? reason.split(':', 1)[0] : reason);
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

/** All that runs here has been begun. */
function run(args: ExecutionArgs): ExecutionResult | Answers {
  return (args as Running).result;
}

/** An error as clients may read it: without the notes that Yoga keeps in errors, such as the HTTP status. */
function errorForClients(error: GraphQLError) {
  const { extensions: { http: _, ...extensions } = {}, ...rest } = error.toJSON();
  return { ...rest, extensions };
}

function failure(code: ErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
