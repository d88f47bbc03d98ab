// A request from its head to its last byte: health, authentication, the client's rate, its body, its answer, and its log line.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import { VIEWER_HEADER, type Viewer } from '../auth/authentication.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Span } from '../span.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type AnswerBytes, type AnswerCache, createCacheHeaders, questionOf } from './answer-cache.ts';
import { tooManyRequests } from './client-rate-limit.ts';
import type { Cors } from './cors.ts';
import type { EventStreams } from './event-streams.ts';
import { readAccept, readParams } from './graphql-http.ts';
import { readBody } from './http-server.ts';
import { statusOf, tooLarge, withoutNotes } from './public-answer.ts';
import { checkHead, isRefusal, refusal, writeRefusal } from './refusals.ts';
import {
  disconnectSignalOf,
  endRequest,
  GRAPHQL_PATH,
  headerOf,
  openRequest,
  pathOf,
  type RequestState,
} from './request-state.ts';
import type { WebSocketDependencies } from './web-socket.ts';
import type { Graphql } from './yoga.ts';

export type RequestHandlerDependencies = WebSocketDependencies & {
  config: Config;
  graphql: Graphql;
  answers: AnswerCache;
  streams: EventStreams;
  /** Serves the GraphiQL page; null when it is switched off. */
  graphiql: ((response: ServerResponse) => unknown) | null;
  /** Serves the upstream's webhooks; null without a token for them. */
  webhook: {
    readonly path: string;
    serve(request: IncomingMessage, response: ServerResponse, span: Span): Promise<void>;
  } | null;
  cors: Cors;
  metrics: Metrics | null;
};

/** Makes the listener that a `node:http` server calls. It answers every request exactly once and never throws. */
export function createRequestHandler(dependencies: RequestHandlerDependencies): RequestListener {
  const { graphql, answers, streams, graphiql, authenticate, webhook, cors, secondsToWait, isReady } = dependencies;
  const { config, beginSpan, log, clock } = dependencies;
  const { maxBodyBytes, maxResponseBytes } = config;
  const viewerHeaders = ['authorization', ...(config.auth.header ? [VIEWER_HEADER] : [])];
  const cacheHeaders = createCacheHeaders(viewerHeaders, clock);
  const schemes = [...(config.auth.userSig ? ['UserSig'] : []), ...(config.auth.jwt ? ['Bearer'] : [])];

  return (request, response) => {
    const path = pathOf(request);
    const state = openRequest(request.headers, 'sse', clock, disconnectSignalOf(response));
    response.setHeader('x-request-id', state.requestId);
    if (path === '/health/live') return answerHealth(response, 200, 'live');
    if (path === '/health/ready')
      return isReady() ? answerHealth(response, 200, 'ready') : answerHealth(response, 503, 'not ready');

    cors.mark(request, response);
    state.span = beginSpan(request.method ?? '', request.headers);
    // A mistaken address may hold it too, with a slash too many.
    const told = webhook ? path.replace(webhook.path, 'webhook') : path;
    response.once('close', () => endRequest(state, response, told, dependencies));
    const reportBug = (error: unknown) =>
      log.error({ err: error, requestId: state.requestId }, 'A bug of ours failed a request');
    // Without a listener it would end the process.
    response.on('error', reportBug);
    serve(path, request, response, state).catch((error) => {
      // A client that hangs up while it sends is no fault of ours.
      if (request.destroyed && !request.complete) return response.destroy();
      if (!isRefusal(error)) reportBug(error);
      if (response.headersSent) response.destroy();
      else refuse(response, state, isRefusal(error) ? error : OUR_BUG).end();
    });
  };

  async function serve(path: string, request: IncomingMessage, response: ServerResponse, state: RequestState) {
    const { method = '' } = request;
    const wantsPage = graphiql !== null && method === 'GET' && request.headers.accept?.includes('text/html');
    if (path === '/' && wantsPage) return response.writeHead(302, { location: GRAPHQL_PATH }).end();
    if (path === webhook?.path) return webhook.serve(request, response, state.span);
    if (path !== GRAPHQL_PATH) throw refusal(404, `There is nothing here; GraphQL is at ${GRAPHQL_PATH}.`);
    if (cors.isForeign(request)) throw refusal(403, 'CORS_ORIGINS does not name the origin of this page.', 'FORBIDDEN');
    if (cors.isPreflight(request)) return cors.answerPreflight(request, response);
    if (wantsPage) return graphiql(response);
    state.viewer = await viewerOf(request);
    await countRequest(request, state.viewer);
    checkHead(request);
    const body = method === 'POST' ? await bodyOf(request, response, state) : undefined;
    if (body === null) return;
    await answer(request, response, state, body);
  }

  async function viewerOf(request: IncomingMessage): Promise<Viewer | null> {
    try {
      return await authenticate((name) => headerOf(request, name));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // A client that tries credentials is anonymous so far.
      await countRequest(request, null);
      const { code, message } = error;
      if (code !== 'UNAUTHENTICATED') throw refusal(503, message, code);
      throw refusal(401, message, code, { 'www-authenticate': schemes.join(', ') || 'ViewerHeader' });
    }
  }

  async function countRequest(request: IncomingMessage, viewer: Viewer | null): Promise<void> {
    const seconds = await secondsToWait(request, viewer);
    if (seconds !== null) throw refusal(429, tooManyRequests(seconds), 'THROTTLED', { 'retry-after': String(seconds) });
  }

  /** The body of a request; null when it is too large, and has been refused. */
  async function bodyOf(request: IncomingMessage, response: ServerResponse, state: RequestState) {
    const refuseTooLarge = () => {
      const message = `The request body is larger than ${maxBodyBytes} bytes.`;
      refuse(response, state, refusal(413, message, undefined, { connection: 'close' }));
    };
    const body = await readBody(request, maxBodyBytes, refuseTooLarge);
    if (body === null) response.end();
    else if (body === '') throw refusal(400, 'The request body is empty, or no UTF-8.');
    return body;
  }

  async function answer(request: IncomingMessage, response: ServerResponse, state: RequestState, body?: string) {
    const { method = '', url = '', headers } = request;
    const question = questionOf(request, state.viewer, body);
    const known = answers.find(question);
    if (known) {
      Object.assign(state, known.facts);
      graphql.repeat(state);
      return send(request, response, state, known);
    }
    const accepted = readAccept(headers.accept || '*/*');
    const result = await graphql.run(readParams(url, body), state, { method, acceptsStream: accepted.stream !== null });
    if (isAsyncIterable(result)) {
      if (response.destroyed) return result.return?.();
      cacheHeaders.forbid(response);
      return streams.send(response, result, maxResponseBytes, accepted.stream ?? undefined);
    }
    const type = accepted.json ?? 'application/json';
    response.statusCode = statusOf(result, type);
    for (const { extensions } of result.errors ?? [])
      response.setHeaders(new Map(Object.entries(extensions.http?.headers ?? {})));
    if (!accepted.json) {
      cacheHeaders.forbid(response);
      return streams.send(response, [result].values(), maxResponseBytes, accepted.stream ?? undefined);
    }
    const bytes = { contentType: `${type}; charset=utf-8`, body: Buffer.from(JSON.stringify(withoutNotes(result))) };
    if (bytes.body.byteLength > maxResponseBytes)
      throw refusal(400, tooLarge(maxResponseBytes).message, 'OPERATION_TOO_EXPENSIVE');
    answers.keep(question, state, bytes);
    send(request, response, state, bytes);
  }

  function send(request: IncomingMessage, response: ServerResponse, state: RequestState, answer: AnswerBytes) {
    response.setHeader('content-type', answer.contentType);
    if (request.method === 'GET' && cacheHeaders.isKnown(request, response, state, answer)) return response.end();
    response.setHeader('content-length', answer.body.byteLength);
    response.end(answer.body);
  }
}

const OUR_BUG = refusal(500, 'Something went wrong on our side.', 'INTERNAL_SERVER_ERROR');

function refuse(response: ServerResponse, state: RequestState, why: GraphQLError): ServerResponse {
  state.errorCodes.add(String(why.extensions.code));
  return writeRefusal(response, why);
}

function answerHealth(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
