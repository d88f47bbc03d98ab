// What stands before GraphQL on every HTTP request: health, the request id, limits on the body, and the log line.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { readBody, refusal } from './body.ts';
import { type Exchange, openExchange } from './exchange.ts';

/** A request whose body has been read: Yoga takes it from here instead of from the socket. */
export type RequestWithBody = IncomingMessage & { body?: string };

export type FrontDependencies = {
  /** Serves `/graphql`. */
  graphql(request: RequestWithBody, response: ServerResponse, exchange: Exchange): unknown;
  /** Serves the GraphiQL page; null when it is switched off. */
  graphiql: ((request: IncomingMessage, response: ServerResponse) => unknown) | null;
  /** Whether a load balancer should send requests here. */
  isReady(): boolean;
  /** Told when an exchange is over, with its HTTP status and duration. */
  onExchange(
    exchange: Exchange,
    facts: { method: string; path: string; status: number; ms: number; aborted: boolean },
  ): void;
  onFault(error: unknown, exchange: Exchange): void;
  maxBodyBytes: number;
  clock: Clock;
};

export const GRAPHQL_PATH = '/graphql';

/** Makes the listener that a `node:http` server calls. It answers every request exactly once and never throws. */
export function createFront(dependencies: FrontDependencies): RequestListener {
  const { isReady, onExchange, onFault, clock } = dependencies;

  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    if (path === '/health/live') return answer(response, 200, 'text/plain', 'live\n');
    if (path === '/health/ready') {
      return isReady()
        ? answer(response, 200, 'text/plain', 'ready\n')
        : answer(response, 503, 'text/plain', 'not ready\n');
    }

    const startedAt = clock.now();
    const header = request.headers['x-request-id'];
    const exchange = openExchange(typeof header === 'string' ? header : null);
    response.setHeader('x-request-id', exchange.requestId);
    response.once('close', () => {
      const { statusCode: status, writableFinished } = response;
      onExchange(exchange, {
        method: request.method ?? '',
        path,
        status,
        ms: clock.now() - startedAt,
        aborted: !writableFinished,
      });
    });
    Promise.resolve(serve(dependencies, path, request, response, exchange)).catch((error) => {
      // A client that hangs up while it sends is no fault of ours.
      if (request.destroyed && !request.complete) return response.destroy();
      onFault(error, exchange);
      if (response.headersSent) response.destroy();
      else answer(response, 500, 'application/json', refusal('Something went wrong on our side.'));
    });
  };
}

async function serve(
  { graphql, graphiql, maxBodyBytes }: FrontDependencies,
  path: string,
  request: RequestWithBody,
  response: ServerResponse,
  exchange: Exchange,
) {
  if (path !== GRAPHQL_PATH)
    return answer(response, 404, 'application/json', refusal(`There is nothing here; GraphQL is at ${GRAPHQL_PATH}.`));
  if (graphiql && request.method === 'GET' && request.headers.accept?.includes('text/html'))
    return graphiql(request, response);
  if (request.method === 'POST') {
    // Other types can be sent across origins by a plain form, so they are refused, not parsed.
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      return answer(
        response,
        415,
        'application/json',
        refusal('Send the operation as a JSON body, with "content-type: application/json".'),
      );
    }
    const body =
      Number(request.headers['content-length']) > maxBodyBytes ? null : await readBody(request, maxBodyBytes);
    if (body === null) {
      response.setHeader('connection', 'close');
      return answer(
        response,
        413,
        'application/json',
        refusal(`The request body is larger than ${maxBodyBytes} bytes.`),
      );
    }
    if (body === '') return answer(response, 400, 'application/json', refusal('The request body is empty.'));
    request.body = body;
  }
  return graphql(request, response, exchange);
}

function answer(response: ServerResponse, status: number, type: string, body: string) {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
