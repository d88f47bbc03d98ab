// GraphQL over HTTP: the operation that a request asks for, and the response that its result becomes.
import type { ExecutionResult } from 'graphql';
import { type FetchAPI, getSSEProcessor, isAsyncIterable, processRegularResult } from 'graphql-yoga';
import { Refusal } from './refusals.ts';

type JsonType = 'application/json' | 'application/graphql-response+json';

type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

/** In which types a client takes an answer. */
export type Taken = { json: JsonType | null; stream: boolean };

const JSON_TYPES: readonly JsonType[] = ['application/json', 'application/graphql-response+json'];
const STREAM_TYPE = 'text/event-stream';
const toStream = getSSEProcessor();

/** Reads an `accept` header: the first type in it that there is an answer in. Throws where there is none. */
export function takenBy(accept: string): Taken {
  const asked = accept
    .toLowerCase()
    .split(',')
    .map((entry) => entry.replace(/\s/g, ''))
    // An answer is in UTF-8.
    .filter((entry) => !/;charset=(?!"?utf-8)/.test(entry))
    .map((entry) => entry.split(';', 1)[0] as string);
  const fits = (type: string) => (entry: string) =>
    entry === type || entry === '*/*' || entry === `${type.slice(0, type.indexOf('/'))}/*`;
  let json: JsonType | null = null;
  for (const entry of asked) json ??= JSON_TYPES.find((type) => fits(type)(entry)) ?? null;
  const stream = asked.some(fits(STREAM_TYPE));
  if (json || stream) return { json, stream };
  throw new Refusal(406, 'Accept application/json, application/graphql-response+json or text/event-stream.');
}

/** Reads the parameters of an operation, checked by nobody yet: of the URL, or of a JSON body. */
export function readParams(url: string, body: string | undefined): object {
  if (body === undefined) return paramsOfUrl(new URL(url, 'http://localhost').searchParams);
  let params: unknown;
  try {
    params = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'The request body is no JSON.');
  }
  if (Array.isArray(params)) throw new Refusal(400, 'Send one operation in a request: batches are not taken.');
  if (typeof params !== 'object' || params === null)
    throw new Refusal(400, 'The request body must be a JSON object, with "query" in it.');
  return params;
}

function paramsOfUrl(inUrl: URLSearchParams): object {
  const text = (name: string) => inUrl.get(name) || undefined;
  const json = (name: string) => {
    try {
      return JSON.parse(text(name) ?? 'null');
    } catch {
      throw new Refusal(400, `The parameter "${name}" must be JSON.`);
    }
  };
  return {
    query: text('query'),
    operationName: text('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
    documentId: text('documentId'),
    doc_id: text('doc_id'),
  };
}

/** Makes the response: JSON, or a stream of events for what comes in several answers, or is wanted so. */
export function respond(result: Result, { json }: Taken, fetchAPI: FetchAPI): Response {
  if (json === null || isAsyncIterable(result)) return toStream(result, fetchAPI, STREAM_TYPE) as Response;
  return processRegularResult(result, fetchAPI, json);
}
