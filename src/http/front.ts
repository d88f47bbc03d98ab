// What stands before GraphQL on every HTTP request: health, the request id, limits on the body, and the log line.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authentication.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { dropBody, readBody, refusal } from './body.ts';
import { type Exchange, forLog, LONGEST_LOGGED_NAME, type LoggedExchange, openExchange } from './exchange.ts';

/** A request whose body has been read: Yoga takes it from here instead of from the socket. */
export type RequestWithBody = IncomingMessage & { body?: string };

export type FrontDependencies = {
  /** Serves `/graphql`. */
  graphql(request: RequestWithBody, response: ServerResponse, exchange: Exchange): unknown;
  /** Serves the GraphiQL page; null when it is switched off. */
  graphiql: ((request: IncomingMessage, response: ServerResponse) => unknown) | null;
  authenticate: Authenticate;
  /** Serves what the upstream tells; null when it is told nothing. */
  webhook: { path: string; serve(request: IncomingMessage, response: ServerResponse): unknown } | null;
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

/** What an `accept` header must name for Yoga to have an answer. */
const ANSWERABLE =
  /\*\/\*|application\/(\*|json|graphql-response\+json)|text\/(\*|event-stream)|multipart\/(\*|mixed)/i;

/** How much of a refused body is still taken, and how long: a client that is cut off while it sends may never see its answer. */
const LINGER_BYTES = 1_048_576;
const LINGER_MS = 1000;

/** Makes the listener that a `node:http` server calls. It answers every request exactly once and never throws. */
export function createFront(dependencies: FrontDependencies): RequestListener {
  const { isReady, onExchange, onFault, clock } = dependencies;

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
      else refuse(response, exchange, 500, 'Something went wrong on our side.', 'INTERNAL_SERVER_ERROR');
    });
  };
}

async function serve(
  { graphql, graphiql, authenticate, webhook, maxBodyBytes, clock }: FrontDependencies,
  path: string,
  request: RequestWithBody,
  response: ServerResponse,
  exchange: Exchange,
) {
  if (path === '/' && graphiql && request.headers.accept?.includes('text/html')) {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
    return;
  }
  if (path === webhook?.path) return webhook.serve(request, response);
  if (path !== GRAPHQL_PATH)
    return refuse(response, exchange, 404, `There is nothing here; GraphQL is at ${GRAPHQL_PATH}.`);
  if (request.method === 'GET') {
    if (graphiql && request.headers.accept?.includes('text/html')) return graphiql(request, response);
    const broken = brokenParameter(request.url ?? '');
    if (broken) return refuse(response, exchange, 400, `The parameter "${broken}" must be JSON.`);
  }
  try {
    // Node drops all but the first of some headers; of two credentials none may get lost unseen.
    exchange.viewer = await authenticate((name) => request.headersDistinct[name]?.join(', '));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code !== 'UNAUTHENTICATED') return refuse(response, exchange, 503, error.message, error.code);
    response.setHeader('www-authenticate', 'UserSig, Bearer');
    return refuse(response, exchange, 401, error.message, error.code);
  }
  // Yoga would find out only after it has run the operation.
  if (!ANSWERABLE.test(request.headers.accept || '*/*'))
    return refuse(response, exchange, 406, 'Accept application/json or application/graphql-response+json.');
  if (request.method === 'POST') {
    // Other types can be sent across origins by a plain form, so they are refused, not parsed.
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      const remedy = 'Send the operation as a JSON body, with "content-type: application/json".';
      return refuse(response, exchange, 415, remedy);
    }
    // Yoga knows it in this spelling only.
    request.headers['content-type'] = 'application/json';
    const isTooLarge = Number(request.headers['content-length']) > maxBodyBytes;
    const body = isTooLarge ? null : await readBody(request.iterator({ destroyOnReturn: false }), maxBodyBytes);
    if (body === null) return refuseBody(request, response, exchange, maxBodyBytes, clock);
    if (body === '') return refuse(response, exchange, 400, 'The request body is empty.');
    request.body = body;
  }
  return graphql(request, response, exchange);
}

/** The parameter of a GET request that should be JSON and is not. Yoga would take it for a bug of ours. */
function brokenParameter(url: string): string | undefined {
  const parameters = new URLSearchParams(url.slice(GRAPHQL_PATH.length));
  return ['variables', 'extensions'].find((name) => {
    try {
      JSON.parse(parameters.get(name) || '{}');
      return false;
    } catch {
      return true;
    }
  });
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
  writeHead(response, 413, 'application/json', body);
  response.write(body);
  const over = new AbortController();
  const dropped = dropBody(request.iterator({ destroyOnReturn: false }), LINGER_BYTES);
  await Promise.race([dropped, clock.sleep(LINGER_MS, over.signal)]).finally(() => over.abort());
  response.end();
}

function refuse(response: ServerResponse, exchange: Exchange, status: number, message: string, code = 'BAD_REQUEST') {
  exchange.errorCodes.push(code);
  answer(response, status, 'application/json', refusal(message, code));
}

function answer(response: ServerResponse, status: number, type: string, body: string) {
  writeHead(response, status, type, body);
  response.end(body);
}

function writeHead(response: ServerResponse, status: number, type: string, body: string) {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) });
}
