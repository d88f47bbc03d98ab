// What is known of one request and what it came to: for its execution, the caches of its answer, the log, the metrics, and
// the trace, by the names of OpenTelemetry's conventions where it has some.
import { hash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode, ExecutionResult, GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { Viewer } from '../auth/authentication.ts';
import type { Clock } from '../clock.ts';
import type { Context } from '../context.ts';
import { NO_SPAN } from '../span.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { UsageReports } from '../telemetry/usage-reports.ts';

/** What a client says of itself. */
export type Client = { readonly name: string | undefined; readonly version: string | undefined };

export const GRAPHQL_PATH = '/graphql';

/** The path that a request is for; a client may name its target by a whole URL (RFC 9112, 3.2.2). */
export function pathOf({ url = '/' }: IncomingMessage): string {
  return url.startsWith('/') ? (url.split('?', 1)[0] as string) : (URL.parse(url)?.pathname ?? url);
}

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
  /** By which its subscriptions are answered. */
  transport: 'sse' | 'websocket',
  clock: Clock,
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
    /** The document's text, which takes a hundredth of what is made of it. */
    text: '',
    operationName: null as string | null,
    operationType: null as OperationTypeNode | null,
    upstreamCalls: 0,
    /** Monotonic, in milliseconds. */
    startedAt: clock.monotonicMs(),
    /** The work on it, for the trace; and what of that is its operation. */
    span: NO_SPAN,
    operationSpan: NO_SPAN,
    /** Public codes of the errors in the answer. */
    errorCodes: new Set<string>(),
    /** The answers of a subscription, which lasts as long as its client likes; null where there is one answer. */
    stream: null as AsyncIterableIterator<ExecutionResult> | null,
    context: null as Context | null,
    /** Until when, in epoch milliseconds, all that was read is fresh; infinite when nothing was read. */
    freshUntil: Number.POSITIVE_INFINITY,
    /** The cache groups that it was read from, and when. A subscription would gather them for days. */
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

/** By which a document is known, to clients too. */
export const hashOf = (text: string): string => hash('sha256', text);

type Observers = { schema: GraphQLSchema; metrics: Metrics | null; usage: UsageReports | null; clock: Clock };

/** An operation has its answer, or its stream of answers. A trace tells its document by a hash: the text may hold anything. */
export function endOperation(state: RequestState, { schema, metrics, usage, clock }: Observers): void {
  const { operationSpan: span, document, text, operationType, operationName, errorCodes } = state;
  const [code] = errorCodes;
  const staleness = state.context?.staleness();
  metrics?.onQuery(operationType, operationName, code ?? null, state.client);
  if (staleness) metrics?.staleAnswers.inc({ reason: staleness.failure ?? 'REVALIDATING' });
  if (document && usage) {
    const [isSubscription, ms] = [operationType === 'subscription', clock.monotonicMs() - state.startedAt];
    usage.report({ ...state, schema, document, isSubscription, ms });
  }
  if (!span.isRecorded) return;
  span.set({
    'graphql.operation.name': operationName ?? undefined,
    'graphql.operation.type': operationType ?? undefined,
    'graphql.document.id': state.documentId ?? (text ? hashOf(text) : undefined),
    'follow_gateway.upstream_calls': state.upstreamCalls,
    'follow_gateway.error_codes': [...errorCodes],
    'follow_gateway.stale': Boolean(staleness),
    'error.type': code,
  });
  span.end(operationType ?? undefined);
}

/** A request is over. `path` is `webhook` for the one by which the upstream sends them, which is a secret. */
export function endRequest(
  state: RequestState,
  response: ServerResponse,
  path: string,
  { log, metrics, clock }: { log: Logger; metrics: Metrics | null; clock: Clock },
): void {
  const { span } = state;
  const ms = clock.monotonicMs() - state.startedAt;
  const { method = '' } = response.req;
  const { statusCode: status } = response;
  const aborted = !response.writableFinished;
  const line = {
    ...logLineOf(state),
    method,
    path: path.slice(0, MAX_LOGGED_NAME),
    status,
    ms: Math.round(ms),
    aborted,
    // It ends when its client likes, so its time is no measure of ours.
    stream: state.stream !== null || undefined,
  };
  // Every change in the app is a webhook.
  if (path === 'webhook') log.debug(line, 'webhook');
  else log.info(line, 'request');
  if (path === GRAPHQL_PATH && !state.stream)
    metrics?.onRequest(state.operationName, aborted ? 'aborted' : status, ms, span);
  if (!span.isRecorded) return;
  // Any other path is one that a client made up.
  const route = [GRAPHQL_PATH, 'webhook'].includes(path) ? path : undefined;
  span.set({
    'http.request.method': method,
    'http.route': route,
    'url.scheme': 'http',
    'url.path': line.path,
    'http.response.status_code': status,
    ...clientNames(state),
    'error.type': aborted ? 'aborted' : status >= 500 ? String(status) : undefined,
  });
  span.end(route ? `${method} ${route}` : method);
}

export const clientNames = ({ client }: RequestState) => ({
  'graphql.client.name': client.name,
  'graphql.client.version': client.version,
});
