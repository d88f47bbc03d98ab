// Requests that never reach GraphQL: what they must look like, and how they are refused, in GraphQL's shape.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';

/** Why a request is not answered, and the HTTP status that says so. The message names the remedy. */
export function refusal(status: number, message: string, code = 'BAD_REQUEST', headers: Record<string, string> = {}) {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}

const JSON_TYPE = /^application\/json\s*(;|$)/i;
/** The one encoding that JSON has; `charset` may repeat it. */
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(;|$))/i;

/** Throws what is wrong with a request to GraphQL before its body is read. */
export function checkHead({ method, headers }: IncomingMessage): void {
  if (!/^(100-continue)?$/i.test(headers.expect ?? ''))
    throw refusal(417, 'Nothing but "100-continue" may be expected.', undefined, { connection: 'close' });
  if (method !== 'GET' && method !== 'POST')
    throw refusal(405, 'GraphQL is asked by GET and POST.', undefined, { allow: 'GET, POST' });
  if (method === 'GET') return;
  // A proxy may have understood other codings differently than Node's parser does.
  if ((headers['transfer-encoding'] ?? 'chunked').toLowerCase() !== 'chunked')
    throw refusal(400, 'Of the transfer encodings only "chunked" is taken.', undefined, { connection: 'close' });
  const type = headers['content-type'] ?? '';
  // A plain form can send other types across origins, so they are refused, not parsed.
  if (!JSON_TYPE.test(type))
    throw refusal(415, 'Send the operation as a JSON body, with "content-type: application/json".');
  if (OTHER_CHARSET.test(type)) throw refusal(415, 'Send the JSON body in UTF-8.');
  // A few bytes that are compressed can become gigabytes, and operations are short.
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    throw refusal(415, 'Send the body as it is, without a content-encoding.');
}

export const isRefusal = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && error.extensions.http !== undefined;

/** Writes the head and the body of a refusal; its sender ends the response. */
export function writeRefusal(response: ServerResponse, { message, extensions }: GraphQLError): ServerResponse {
  const { code, http: { status = 500, headers } = {} } = extensions;
  // Clients take a refusal for an answer of GraphQL's, with its codes, only in GraphQL's own type.
  const type = 'application/graphql-response+json';
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  response.writeHead(status, {
    ...headers,
    'cache-control': 'private, no-store',
    'content-type': `${response.req.headers.accept?.includes(type) ? type : 'application/json'}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
  });
  response.write(body);
  return response;
}
