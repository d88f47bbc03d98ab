// What stands before GraphQL on every HTTP request: health, the request id, who may ask and how, and the log line.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authentication.ts';
import type { Viewer } from '../auth/viewer.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { bodyOf, dropBody, isNestedTooDeep, readBody, refusal } from './body.ts';
import { tooManyRequests } from './client-rates.ts';
import type { Cors } from './cors.ts';
import { type Exchange, forLog, LONGEST_LOGGED_NAME, type LoggedExchange, openExchange } from './exchange.ts';
import { brokenHead, brokenParameter, notAcceptable, type Refusal, wrongBody } from './request-rules.ts';
import { STRICT_TRANSPORT } from './security-headers.ts';

/** A request whose body has been read: Yoga takes it from here instead of from the socket. */
export type RequestWithBody = IncomingMessage & { body?: AsyncIterable<Uint8Array> };

export type FrontDependencies = {
  /** Serves `/graphql`. */
  graphql(request: RequestWithBody, response: ServerResponse, exchange: Exchange): unknown;
  /** Serves the GraphiQL page; null when it is switched off. */
  graphiql: ((request: IncomingMessage, response: ServerResponse) => unknown) | null;
  authenticate: Authenticate;
  /** Serves what the upstream tells; null when it is told nothing. */
  webhook: { path: string; serve(request: IncomingMessage, response: ServerResponse): unknown } | null;
  cors: Cors;
  /** Counts a request: in how many seconds its client may come again; null when it may go on. */
  tooSoon?(request: IncomingMessage, viewer: Viewer | null): number | null;
  /** Whether a request has come over TLS. */
  isHttps(request: IncomingMessage): boolean;
  /** Whether a load balancer should send requests here. */
  isReady(): boolean;
  /** Told when an exchange is over, with its HTTP status and duration. */
  onExchange(exchange: LoggedExchange, facts: ExchangeFacts): void;
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

/** How much of a refused body is still taken, and how long: a client that is cut off while it sends may never see its answer. */
const LINGER_BYTES = 1_048_576;
const LINGER_MS = 1000;

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
  const { cors, isHttps, isReady, onExchange, onFault, clock } = dependencies;

  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const header = request.headers['x-request-id'];
    const exchange = openExchange(typeof header === 'string' ? header : null);
    response.setHeader('x-request-id', exchange.requestId);
    if (isHttps(request)) response.setHeader('strict-transport-security', STRICT_TRANSPORT);
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
      onExchange(forLog(exchange), {
        method: request.method ?? '',
        path: path.slice(0, LONGEST_LOGGED_NAME),
        status,
        ms: clock.now() - startedAt,
        aborted: !writableFinished,
        ...(exchange.isStream && { stream: true }),
      });
    });
    Promise.resolve(serve(dependencies, path, request, response, exchange)).catch((error) => {
      // A client that hangs up while it sends is no fault of ours.
      if (request.destroyed && !request.complete) return response.destroy();
      onFault(error, exchange);
      if (response.headersSent) response.destroy();
      else refuse(response, exchange, OUR_BUG);
    });
  };
}

async function serve(
  { graphql, graphiql, authenticate, webhook, cors, tooSoon = () => null, maxBodyBytes, clock }: FrontDependencies,
  path: string,
  request: RequestWithBody,
  response: ServerResponse,
  exchange: Exchange,
) {
  const broken = brokenHead(request);
  if (broken) {
    response.setHeader('connection', 'close');
    return refuse(response, exchange, broken);
  }
  if (path === '/' && graphiql && request.headers.accept?.includes('text/html')) {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
    return;
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
  try {
    // Node drops all but the first of some headers; of two credentials none may get lost unseen.
    exchange.viewer = await authenticate((name) => request.headersDistinct[name]?.join(', '));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { code, message } = error;
    // Who tries credentials is nobody yet.
    const seconds = tooSoon(request, null);
    if (seconds !== null) return refuseForNow(response, exchange, seconds);
    if (code !== 'UNAUTHENTICATED') return refuse(response, exchange, { status: 503, message, code });
    response.setHeader('www-authenticate', 'UserSig, Bearer');
    return refuse(response, exchange, { status: 401, message, code });
  }
  const seconds = tooSoon(request, exchange.viewer);
  if (seconds !== null) return refuseForNow(response, exchange, seconds);
  const unwanted = notAcceptable(request) ?? (request.method === 'POST' ? wrongBody(request) : null);
  if (unwanted) return refuse(response, exchange, unwanted);
  if (request.method === 'POST') {
    // Yoga knows it in this spelling only.
    request.headers['content-type'] = 'application/json';
    const isTooLarge = Number(request.headers['content-length']) > maxBodyBytes;
    const body = isTooLarge ? null : await readBody(request.iterator({ destroyOnReturn: false }), maxBodyBytes);
    if (body === null) return refuseBody(request, response, exchange, maxBodyBytes, clock);
    if (body === '' || isNestedTooDeep(body)) return refuse(response, exchange, UNREADABLE);
    request.body = bodyOf(body);
  }
  return graphql(request, response, exchange);
}

/** Answers at once that the body is too large, then closes the connection when the client has had time to hear it. */
async function refuseBody(
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  maxBytes: number,
  clock: Clock,
) {
  exchange.errorCodes.push('BAD_REQUEST');
  response.setHeader('connection', 'close');
  const body = refusal(`The request body is larger than ${maxBytes} bytes.`);
  writeHead(response, 413, answerTypeOf(request), body);
  response.write(body);
  const over = new AbortController();
  const dropped = dropBody(request.iterator({ destroyOnReturn: false }), LINGER_BYTES);
  await Promise.race([dropped, clock.sleep(LINGER_MS, over.signal)]).finally(() => over.abort());
  response.end();
}

/** Its client has used up what it may ask for. */
function refuseForNow(response: ServerResponse, exchange: Exchange, seconds: number) {
  response.setHeader('retry-after', String(seconds));
  refuse(response, exchange, { status: 429, message: tooManyRequests(seconds), code: 'THROTTLED' });
}

function refuse(response: ServerResponse, exchange: Exchange, { status, message, code = 'BAD_REQUEST' }: Refusal) {
  exchange.errorCodes.push(code);
  answer(response, status, answerTypeOf(response.req), refusal(message, code));
}

/** Clients take a refusal for an answer of GraphQL's, with its codes, only in GraphQL's own type. */
function answerTypeOf({ headers }: IncomingMessage): string {
  const type = 'application/graphql-response+json';
  return headers.accept?.includes(type) ? type : 'application/json';
}

function answer(response: ServerResponse, status: number, type: string, body: string) {
  writeHead(response, status, type, body);
  response.end(body);
}

function writeHead(response: ServerResponse, status: number, type: string, body: string) {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) });
}
