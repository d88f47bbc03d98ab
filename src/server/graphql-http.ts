// GraphQL over HTTP: in which types a client takes an answer, and the operation that its request asks for.
import { isRecord, parseJson } from '../json.ts';
import { refusal } from './refusals.ts';

type JsonType = 'application/json' | 'application/graphql-response+json';

export type StreamType = 'text/event-stream' | 'multipart/mixed';

const JSON_TYPES: readonly JsonType[] = ['application/json', 'application/graphql-response+json'];
/** Far above what variables and extensions need. */
const MAX_DEPTH = 100;
const TOO_DEEP = `The request body is nested more than ${MAX_DEPTH} levels deep.`;
const [QUOTE, BACKSLASH, LIST, LIST_END, OBJECT, OBJECT_END] = Buffer.from('"\\[]{}') as unknown as number[];
/** What says that a client takes a subscription in parts, and not the parts of `@defer`; Apollo's clients send it. */
const SUBSCRIPTION_SPEC = /^subscriptionspec="?1\.0"?$/;

/**
 * Reads an `accept` header: the type of JSON that a client would rather have, and the type of stream; null for none.
 * Throws where it names no type that there is an answer in.
 */
export function readAccept(accept: string) {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      const isSubscription = parameters.some((parameter) => SUBSCRIPTION_SPEC.test(parameter));
      return { type, isSubscription, quality: quality ? Number(quality.slice(2)) : 1 };
    });
  const named = new Set(ranges.map(({ type }) => type));
  /** The most specific range counts for a type (RFC 9110, 12.5.1). */
  const takes = (range: string, type: string) =>
    range === [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'].find((one) => named.has(one));
  const taken = ranges.filter(({ quality }) => quality > 0).toSorted((a, b) => b.quality - a.quality);
  const [json = null] = taken.flatMap((range) => JSON_TYPES.filter((type) => takes(range.type, type)));
  const [stream = null] = taken.flatMap(({ type, isSubscription }): StreamType[] => {
    if (type === 'multipart/mixed') return isSubscription ? [type] : [];
    return takes(type, 'text/event-stream') ? ['text/event-stream'] : [];
  });
  if (json || stream) return { json, stream };
  throw refusal(
    406,
    'Accept application/json, application/graphql-response+json, text/event-stream, or multipart/mixed;subscriptionSpec=1.0.',
  );
}

/** What is said of a subscription to a client that takes no stream. */
export const streamsOnly = () =>
  refusal(
    406,
    'A subscription is answered by a stream of events: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0, or use a WebSocket.',
  );

/** Reads the parameters of an operation, unchecked: from the URL, or from a JSON body. */
export function readParams(url: string, body: string | undefined): object {
  if (body === undefined) return paramsOfUrl(new URL(url, 'http://localhost').searchParams);
  if (isNestedTooDeep(body)) throw refusal(400, TOO_DEEP, 'OPERATION_TOO_EXPENSIVE');
  const params = parseJson(body);
  if (params === undefined) throw refusal(400, 'The request body is not JSON.');
  if (Array.isArray(params)) throw refusal(400, 'Send one operation in a request: batches are not taken.');
  if (!isRecord(params)) throw refusal(400, 'The request body must be a JSON object, with "query" in it.');
  return params;
}

/** `JSON.parse` takes milliseconds for thousands of levels, before anything can be refused. */
function isNestedTooDeep(json: string): boolean {
  let [depth, isText] = [0, false];
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) isText = !isText;
    else if (isText && character === BACKSLASH) at++;
    else if (isText) continue;
    else if (character === LIST || character === OBJECT) depth++;
    else if (character === LIST_END || character === OBJECT_END) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

function paramsOfUrl(inUrl: URLSearchParams): object {
  const texts = ['query', 'operationName', 'documentId', 'doc_id'].map((name) => [name, inUrl.get(name) || undefined]);
  const json = (name: string) => {
    const value = parseJson(inUrl.get(name) || 'null');
    if (value === undefined) throw refusal(400, `The parameter "${name}" must be JSON.`);
    return value;
  };
  return { ...Object.fromEntries(texts), variables: json('variables'), extensions: json('extensions') };
}
