// What traces tell of requests and operations, by the names of OpenTelemetry's conventions where it has some.
import type { Span } from '../span.ts';
import type { RequestLine, RequestState } from './request-state.ts';
import { hashOf } from './trusted-documents.ts';
import { GRAPHQL_PATH } from './yoga.ts';

/** Ends the span of an operation. The document is told by its hash: its text may hold anything. */
export function endOperation({ span, document, errorCodes, ...state }: RequestState): void {
  if (!span.isRecorded) return;
  const [error] = errorCodes;
  span.set({
    'graphql.operation.name': state.operationName ?? undefined,
    'graphql.operation.type': state.operationType ?? undefined,
    'graphql.document.id': state.documentId ?? (document?.loc && hashOf(document.loc.source.body)),
    'follow_gateway.upstream_calls': state.upstreamCalls,
    'follow_gateway.error_codes': [...errorCodes],
    'error.type': error,
  });
  span.end(state.operationType ?? undefined);
}

/** Ends the span of a request; its line names no path that is secret. */
export function endRequest(span: Span, { method, path, status, aborted, ...line }: RequestLine): void {
  const failed = status >= 500 ? String(status) : undefined;
  span.set({
    'http.request.method': method,
    'url.path': path,
    'http.response.status_code': status,
    'graphql.client.name': line.clientName,
    'graphql.client.version': line.clientVersion,
    'error.type': aborted ? 'aborted' : failed,
  });
  // Any other path is one that a client made up.
  span.end([GRAPHQL_PATH, 'webhook'].includes(path) ? `${method} ${path}` : method);
}
