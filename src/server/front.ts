// What stands before GraphQL on every HTTP request: health, the request id, who may ask and how, and the log line.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authentication.ts';
import type { Viewer } from '../auth/viewer.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Cors } from '../http/cors.ts';
import { isNestedTooDeep, readBody } from './body.ts';
import type { ClientRateLimit } from './client-rate-limit.ts';
import { type Exchange, forLog, LONGEST_LOGGED_NAME, type LoggedExchange, openExchange } from './exchange.ts';
import { answer, refuse, refuseBody, refuseForNow } from './refuse.ts';
import { brokenHead, brokenParameter, notAcceptable, type Refusal, wrongBody } from './request-rules.ts';
import type { WebhookRoute } from './webhook-route.ts';

/** A request whose body has been read: Yoga takes it from here instead of from the socket. */
export type RequestWithBody = IncomingMessage & { body?: AsyncIterable<Uint8Array> };

export type FrontDependencies = {
  /** Serves `/graphql`; `body` is null where there is none. */
  graphql(request: RequestWithBody, response: ServerResponse, exchange: Exchange, body: string | null): unknown;
  /** Serves the GraphiQL page; null when it is switched off. */
  graphiql: ((request: IncomingMessage, response: ServerResponse) => unknown) | null;
  authenticate: Authenticate;
  /** Serves what the upstream tells; null when it is told nothing. */
  webhook: ({ path: string } & WebhookRoute) | null;
  cors: Cors;
  tooSoon: ClientRateLimit;
  /** Whether a load balancer should send requests here. */
  isReady(): boolean;
  /** Told when an exchange is over, with its HTTP status and duration: the line of the log. */
  onExchange(line: LoggedExchange & ExchangeFacts): void;
  onFault(error: unknown, exchange: Exchange): void;
  maxBodyBytes: number;
  clock: Clock;
};

/** `stream` is there when the answer was one: it ends when its client likes, so its time is no measure of ours. */
export type ExchangeFacts = {
  method: string;
  path: string;
  status: number;
  ms: number;
  aborted: boolean;
  stream?: true;
};

export const GRAPHQL_PATH = '/graphql';

const NOTHING_HERE: Refusal = { status: 404, message: `There is nothing here; GraphQL is at ${GRAPHQL_PATH}.` };
const FOREIGN: Refusal = {
  status: 403,
  message: 'Pages of other origins may not ask here: CORS_ORIGINS does not name this one.',
  code: 'FORBIDDEN',
};
const UNREADABLE: Refusal = { status: 400, message: 'The request body is empty, no UTF-8, or nested too deep.' };
const OUR_BUG: Refusal = { status: 500, message: 'Something went wrong on our side.', code: 'INTERNAL_SERVER_ERROR' };

/** Makes the listener that a `node:http` server calls. It answers every request exactly once and never throws. */
export function createFront(dependencies: FrontDependencies): RequestListener {
  const { cors, isReady, onExchange, onFault, clock } = dependencies;

  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const header = request.headers['x-request-id'];
    const exchange = openExchange(typeof header === 'string' ? header : null);
    response.setHeader('x-request-id', exchange.requestId);
    if (path === '/health/live') return answer(response, 200, 'text/plain', 'live\n');
    if (path === '/health/ready') {
      return isReady()
        ? answer(response, 200, 'text/plain', 'ready\n')
        : answer(response, 503, 'text/plain', 'not ready\n');
    }

    cors.mark(request, response);
    const startedAt = clock.now();
    response.once('close', () => {
      const { statusCode: status, writableFinished } = response;
      onExchange({
        ...forLog(exchange),
        method: request.method ?? '',
        path: path.slice(0, LONGEST_LOGGED_NAME),
        status,
        ms: clock.now() - startedAt,
        aborted: !writableFinished,
        ...(exchange.isStream && { stream: true }),
      });
    });
    const fail = (error: unknown) => {
      // A client that hangs up while it sends is no fault of ours.
      if (request.destroyed && !request.complete) return response.destroy();
      onFault(error, exchange);
      if (response.headersSent) response.destroy();
      else refuse(response, exchange, OUR_BUG);
    };
    try {
      const served = serve(dependencies, path, request, response, exchange);
      if (served instanceof Promise) served.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

/** Answers, at once as far as nothing has to be waited for. */
function serve(
  dependencies: FrontDependencies,
  path: string,
  request: RequestWithBody,
  response: ServerResponse,
  exchange: Exchange,
): unknown {
  const { graphiql, authenticate, webhook, cors } = dependencies;
  const broken = brokenHead(request);
  if (broken) {
    response.setHeader('connection', 'close');
    return refuse(response, exchange, broken);
  }
  if (path === '/' && graphiql && request.headers.accept?.includes('text/html')) {
    return response.writeHead(302, { location: GRAPHQL_PATH }).end();
  }
  if (path === webhook?.path) return webhook.serve(request, response);
  if (path !== GRAPHQL_PATH) return refuse(response, exchange, NOTHING_HERE);
  if (cors.isForeign(request)) return refuse(response, exchange, FOREIGN);
  if (cors.isPreflight(request)) return cors.answerPreflight(response);
  if (request.method === 'GET') {
    if (graphiql && request.headers.accept?.includes('text/html')) return graphiql(request, response);
    const unreadable = brokenParameter(request);
    if (unreadable) return refuse(response, exchange, unreadable);
  }
  const known = async (viewer: Viewer | null) => {
    exchange.viewer = viewer;
    const seconds = await dependencies.tooSoon(request, viewer);
    return serveViewer(dependencies, request, response, exchange, seconds);
  };
  const unknown = (error: unknown) => refuseCredentials(dependencies, error, request, response, exchange);
  let viewer: ReturnType<Authenticate>;
  try {
    viewer = authenticate((name) => headerOf(request, name));
  } catch (error) {
    return unknown(error);
  }
  return viewer instanceof Promise ? viewer.then(known, unknown) : known(viewer);
}

/** Node drops all but the first of some headers; of two credentials none may get lost unseen. */
function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headers[name] === undefined ? undefined : request.headersDistinct[name]?.join(', ');
}

async function refuseCredentials(
  { tooSoon }: FrontDependencies,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
) {
  if (!(error instanceof GatewayError)) throw error;
  const { code, message } = error;
  // Who tries credentials is nobody yet.
  const seconds = await tooSoon(request, null);
  if (seconds !== null) return refuseForNow(response, exchange, seconds);
  if (code !== 'UNAUTHENTICATED') return refuse(response, exchange, { status: 503, message, code });
  response.setHeader('www-authenticate', 'UserSig, Bearer');
  return refuse(response, exchange, { status: 401, message, code });
}

/** It is known who asks, and whether they have to wait. */
function serveViewer(
  { graphql, maxBodyBytes, clock }: FrontDependencies,
  request: RequestWithBody,
  response: ServerResponse,
  exchange: Exchange,
  seconds: number | null,
): unknown {
  if (seconds !== null) return refuseForNow(response, exchange, seconds);
  const unwanted = notAcceptable(request) ?? (request.method === 'POST' ? wrongBody(request) : null);
  if (unwanted) return refuse(response, exchange, unwanted);
  if (request.method !== 'POST') return graphql(request, response, exchange, null);
  // Yoga knows it in this spelling only.
  request.headers['content-type'] = 'application/json';
  if (Number(request.headers['content-length']) > maxBodyBytes)
    return refuseBody(request, response, exchange, maxBodyBytes, clock);
  return readBody(request, maxBodyBytes).then((body) => {
    if (body === null) return refuseBody(request, response, exchange, maxBodyBytes, clock);
    if (body === '' || isNestedTooDeep(body)) return refuse(response, exchange, UNREADABLE);
    return graphql(request, response, exchange, body);
  });
}
