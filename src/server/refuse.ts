// How a request is refused before it reaches GraphQL: in GraphQL's shape, and with its code in the log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { linger, refusal } from './body.ts';
import { tooManyRequests } from './client-rate-limit.ts';
import type { Exchange } from './exchange.ts';
import type { Refusal } from './request-rules.ts';

/** Answers at once that the body is too large, then closes the connection when the client has had time to hear it. */
export async function refuseBody(
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
  await linger(request, clock);
  response.end();
}

/** Its client has used up what it may ask for. */
export function refuseForNow(response: ServerResponse, exchange: Exchange, seconds: number) {
  response.setHeader('retry-after', String(seconds));
  refuse(response, exchange, { status: 429, message: tooManyRequests(seconds), code: 'THROTTLED' });
}

export function refuse(
  response: ServerResponse,
  exchange: Exchange,
  { status, message, code = 'BAD_REQUEST' }: Refusal,
) {
  exchange.errorCodes.push(code);
  answer(response, status, answerTypeOf(response.req), refusal(message, code));
}

/** Clients take a refusal for an answer of GraphQL's, with its codes, only in GraphQL's own type. */
function answerTypeOf({ headers }: IncomingMessage): string {
  const type = 'application/graphql-response+json';
  return headers.accept?.includes(type) ? type : 'application/json';
}

export function answer(response: ServerResponse, status: number, type: string, body: string) {
  writeHead(response, status, type, body);
  response.end(body);
}

function writeHead(response: ServerResponse, status: number, type: string, body: string) {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) });
}
