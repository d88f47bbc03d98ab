// What is known of one request, for its log line, its metrics, the caches of its answer, and its execution.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode, OperationTypeNode } from 'graphql';
import type { Viewer } from '../auth/viewer.ts';
import type { OpenContext } from '../context.ts';
import { NO_SPAN, type Span } from '../span.ts';

export const GRAPHQL_PATH = '/graphql';

export type RequestState = {
  readonly requestId: string;
  readonly transport: 'http' | 'websocket';
  readonly client: { name?: string; version?: string };
  /** Aborts when the client has gone; made when something has to be waited for. */
  readonly disconnectSignal: () => AbortSignal;
  /** Null is anonymous. Authenticated before the request's body is read. */
  viewer: Viewer | null;
  /** The hash beside a text that may be asked for by it from now on. */
  documentId: string | null;
  document: DocumentNode | null;
  operationName: string | null;
  operationType: OperationTypeNode | null;
  upstreamCalls: number;
  /** The work that is under way, for the trace. */
  span: Span;
  /** Public codes of the errors in the answer. */
  readonly errorCodes: Set<string>;
  /** Whether the answer is a stream, which lasts as long as its client likes. */
  isStream: boolean;
  context: OpenContext | null;
  /** Until when, in epoch milliseconds, all that was read is fresh; infinite when nothing was read. */
  freshUntil: number;
  /** The cache groups that it was read from, with their generations. */
  readonly groups: Map<string, number>;
  /** Whether the answer is that of a query, with no error and nothing stale in it. */
  isWhole: boolean;
};

/** A client's own words are cut to this length in the log: names of operations, of paths, and its own. */
export const MAX_LOGGED_NAME = 200;

const WELL_FORMED_ID = /^[\w.:-]{1,128}$/;

/** Opens the state of a request, under the caller's request id when that is fit for a log, else under a new one. */
export function openRequest(
  headers: IncomingHttpHeaders,
  transport: RequestState['transport'],
  disconnectSignal: () => AbortSignal,
): RequestState {
  const requestId = headers['x-request-id'];
  return {
    requestId: typeof requestId === 'string' && WELL_FORMED_ID.test(requestId) ? requestId : randomUUID(),
    transport,
    client: clientOf(headers),
    disconnectSignal,
    viewer: null,
    documentId: null,
    document: null,
    operationName: null,
    operationType: null,
    upstreamCalls: 0,
    span: NO_SPAN,
    errorCodes: new Set(),
    isStream: false,
    context: null,
    freshUntil: Number.POSITIVE_INFINITY,
    groups: new Map(),
    isWhole: false,
  };
}

/** Apollo's headers, and those of clients that took them over without the name. */
function clientOf(headers: IncomingHttpHeaders): RequestState['client'] {
  const read = (what: string) => headers[`apollographql-client-${what}`] ?? headers[`graphql-client-${what}`];
  const name = read('name')?.toString().slice(0, MAX_LOGGED_NAME);
  const version = read('version')?.toString().slice(0, MAX_LOGGED_NAME);
  return { ...(name && { name }), ...(version && { version }) };
}

/** Node drops all but the first of some headers; of two credentials none may get lost unseen. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headers[name] === undefined ? undefined : request.headersDistinct[name]?.join(', ');
}

/** What the log tells of a request. */
export function logLineOf({ requestId, span, client, operationName, upstreamCalls, errorCodes }: RequestState) {
  return {
    requestId,
    ...(span.traceId && { trace_id: span.traceId }),
    operationName: operationName?.slice(0, MAX_LOGGED_NAME) ?? null,
    ...(client.name && { clientName: client.name }),
    ...(client.version && { clientVersion: client.version }),
    upstreamCalls,
    errorCodes: [...errorCodes],
  };
}

/** A signal that aborts when the client goes away before it has its answer. */
export function disconnectSignalOf(response: ServerResponse): () => AbortSignal {
  let signal: AbortSignal | undefined;
  return () => {
    if (signal) return signal;
    const controller = new AbortController();
    signal = controller.signal;
    const leave = () => response.writableFinished || controller.abort();
    if (response.closed) leave();
    else response.once('close', leave);
    return signal;
  };
}
