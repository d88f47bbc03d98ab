// What a request to GraphQL must look like before its body is read. Each refusal names the remedy.
import type { IncomingMessage } from 'node:http';

/** What of a request is looked at. */
type Head = Pick<IncomingMessage, 'headers'>;

export type Refusal = { status: number; message: string; code?: string };

/** As long as common proxies let a URL be; what is longer goes into a body. */
const LONGEST_URL = 8192;

/** What an `accept` header must name for Yoga to have an answer. */
const ANSWERABLE =
  /\*\/\*|application\/(\*|json|graphql-response\+json)|text\/(\*|event-stream)|multipart\/(\*|mixed)/i;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
/** The one encoding that JSON has; `charset` may repeat it. */
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(;|$))/i;

/** What is wrong with a request whatever it asks for; null when nothing is. */
export function brokenHead({
  url = '',
  headers,
  httpVersion,
}: Pick<IncomingMessage, 'url' | 'headers' | 'httpVersion'>): Refusal | null {
  if (url.length > LONGEST_URL)
    return { status: 414, message: `The URL is longer than ${LONGEST_URL} characters: send the operation by POST.` };
  if (headers.host === undefined && httpVersion === '1.1')
    return { status: 400, message: 'A request of HTTP/1.1 names its host.' };
  // Node's parser leaves the others as they are, and a proxy may have understood them otherwise.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return { status: 400, message: 'Of the transfer encodings only "chunked" is taken.' };
  return null;
}

/** The parameter of a GET request that should be JSON and is not. Yoga would take it for a bug of ours. */
export function brokenParameter({ url = '' }: IncomingMessage): Refusal | null {
  const query = url.indexOf('?');
  if (query < 0) return null;
  const parameters = new URLSearchParams(url.slice(query));
  const broken = ['variables', 'extensions'].find((name) => {
    try {
      JSON.parse(parameters.get(name) || '{}');
      return false;
    } catch {
      return true;
    }
  });
  return broken ? { status: 400, message: `The parameter "${broken}" must be JSON.` } : null;
}

/** An answer that the client does not accept: Yoga would find out only after it has run the operation. */
export function notAcceptable({ headers }: Head): Refusal | null {
  if (ANSWERABLE.test(headers.accept || '*/*')) return null;
  return { status: 406, message: 'Accept application/json or application/graphql-response+json.' };
}

/** A body that is not plain JSON. Other types can be sent across origins by a plain form, so they are refused, not parsed. */
export function wrongBody({ headers }: Head): Refusal | null {
  const type = headers['content-type'] ?? '';
  if (!JSON_TYPE.test(type)) {
    const remedy = 'Send the operation as a JSON body, with "content-type: application/json".';
    return { status: 415, message: remedy };
  }
  if (OTHER_CHARSET.test(type)) return { status: 415, message: 'Send the JSON body in UTF-8.' };
  // A few bytes that are compressed can become gigabytes, and operations are short.
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    return { status: 415, message: 'Send the body as it is, without a content-encoding.' };
  return null;
}
