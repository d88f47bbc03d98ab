// What a request and its operation came to: for the log, the metrics, and the trace by the names of OpenTelemetry's
// conventions where it has some.
import type { ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Span } from '../span.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { UsageReports } from '../telemetry/usage-reports.ts';
import { GRAPHQL_PATH, logLineOf, MAX_LOGGED_NAME, type RequestState } from './request-state.ts';
import { hashOf } from './trusted-documents.ts';

type Observers = { schema: GraphQLSchema; metrics: Metrics | null; usage: UsageReports | null };

/** An operation has its answer, or its stream of answers. A trace tells its document by a hash: the text may hold anything. */
export function endOperation(state: RequestState, { schema, metrics, usage }: Observers): void {
  const { span, document, operationType, operationName, errorCodes } = state;
  const [code] = errorCodes;
  const staleness = state.context?.staleness();
  metrics?.onQuery(operationType, operationName, code ?? null, state.client);
  if (staleness) metrics?.onStaleAnswer(staleness.failure ?? 'REVALIDATING');
  if (document && usage) {
    const [isSubscription, ms] = [operationType === 'subscription', performance.now() - state.startedAt];
    usage.report({ ...state, schema, document, isSubscription, ms });
  }
  if (!span.isRecorded) return;
  span.set({
    'graphql.operation.name': operationName ?? undefined,
    'graphql.operation.type': operationType ?? undefined,
    'graphql.document.id': state.documentId ?? (document?.loc && hashOf(document.loc.source.body)),
    'follow_gateway.upstream_calls': state.upstreamCalls,
    'follow_gateway.error_codes': [...errorCodes],
    'follow_gateway.stale': Boolean(staleness),
    'error.type': code,
  });
  span.end(operationType ?? undefined);
}

/** A request is over, after `ms`. `path` is `webhook` for the one by which the upstream sends them, which is a secret. */
export function endRequest(
  state: RequestState,
  span: Span,
  { response, path, ms }: { response: ServerResponse; path: string; ms: number },
  { log, metrics }: { log: Logger; metrics: Metrics | null },
): void {
  const { method = '' } = response.req;
  const { statusCode: status } = response;
  const aborted = !response.writableFinished;
  const line = {
    ...logLineOf(state),
    method,
    path: path.slice(0, MAX_LOGGED_NAME),
    status,
    ms,
    aborted,
    // It ends when its client likes, so its time is no measure of ours.
    stream: state.isStream || undefined,
  };
  // Every change in the app is a webhook.
  if (path === 'webhook') log.debug(line, 'webhook');
  else log.info(line, 'request');
  if (path === GRAPHQL_PATH && !state.isStream)
    metrics?.onRequest(state.operationName, aborted ? 'aborted' : status, ms, span);
  if (!span.isRecorded) return;
  span.set({
    'http.request.method': method,
    'url.path': line.path,
    'http.response.status_code': status,
    ...clientNames(state),
    'error.type': aborted ? 'aborted' : status >= 500 ? String(status) : undefined,
  });
  // Any other path is one that a client made up.
  span.end([GRAPHQL_PATH, 'webhook'].includes(path) ? `${method} ${path}` : method);
}

export const clientNames = ({ client }: RequestState) => ({
  'graphql.client.name': client.name,
  'graphql.client.version': client.version,
});
