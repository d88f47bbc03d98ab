// What is known of one request, for its log line, its metrics, the caches of its answer, and its execution.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode, OperationTypeNode } from 'graphql';
import type { Viewer } from '../auth/viewer.ts';
import type { OpenContext } from '../context.ts';
import { NO_SPAN } from '../span.ts';

/** What a client says of itself. */
export type Client = { readonly name: string | undefined; readonly version: string | undefined };

export const GRAPHQL_PATH = '/graphql';

export type RequestState = ReturnType<typeof openRequest>;

/** A client's own words are cut to this length in the log: names of operations, of paths, and its own. */
export const MAX_LOGGED_NAME = 200;

const WELL_FORMED_ID = /^[\w.:-]{1,128}$/;

/**
 * Opens the state of a request, under the caller's request id when that is fit for a log, else under a new one.
 * `disconnectSignal` aborts when the client has gone; it is made when something has to be waited for.
 */
export function openRequest(
  headers: IncomingHttpHeaders,
  transport: 'http' | 'websocket',
  disconnectSignal: () => AbortSignal,
) {
  const given = headers['x-request-id'];
  return {
    requestId: typeof given === 'string' && WELL_FORMED_ID.test(given) ? given : randomUUID(),
    transport,
    client: clientOf(headers),
    disconnectSignal,
    /** Null is anonymous. Authenticated before the request's body is read. */
    viewer: null as Viewer | null,
    /** The hash beside a text that may be asked for by it from now on. */
    documentId: null as string | null,
    document: null as DocumentNode | null,
    operationName: null as string | null,
    operationType: null as OperationTypeNode | null,
    upstreamCalls: 0,
    /** Monotonic, in milliseconds. */
    startedAt: performance.now(),
    /** The work that is under way, for the trace. */
    span: NO_SPAN,
    /** Public codes of the errors in the answer. */
    errorCodes: new Set<string>(),
    /** Whether the answer is a stream, which lasts as long as its client likes. */
    isStream: false,
    context: null as OpenContext | null,
    /** Until when, in epoch milliseconds, all that was read is fresh; infinite when nothing was read. */
    freshUntil: Number.POSITIVE_INFINITY,
    /** The cache groups that it was read from, with their generations. */
    groups: new Map<string, number>(),
    /** Whether the answer is that of a query, with no error and nothing stale in it. */
    isWhole: false,
    /** Whether another viewer may have another answer. */
    dependsOnViewer: false,
  };
}

/**
 * By Apollo's headers, and those of clients that took them over without the name; or by the parameters of a WebSocket, which
 * may also name a `client`.
 */
export function clientOf(told: Readonly<Record<string, unknown>>): Client {
  const { client } = told as { client?: Record<string, unknown> | null };
  const read = (what: string) => {
    const found = client?.[what] ?? told[`apollographql-client-${what}`] ?? told[`graphql-client-${what}`];
    return (typeof found === 'string' && found.slice(0, MAX_LOGGED_NAME)) || undefined;
  };
  return { name: read('name'), version: read('version') };
}

/** Node drops all but the first of some headers; of two credentials none may get lost unseen. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headers[name] === undefined ? undefined : request.headersDistinct[name]?.join(', ');
}

/** What the log tells of a request; it leaves out what is undefined. Spread by condition, lines took twice as long. */
export function logLineOf({ requestId, span, client, operationName, upstreamCalls, errorCodes }: RequestState) {
  return {
    requestId,
    trace_id: span.traceId ?? undefined,
    operationName: operationName?.slice(0, MAX_LOGGED_NAME) ?? null,
    clientName: client.name,
    clientVersion: client.version,
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
