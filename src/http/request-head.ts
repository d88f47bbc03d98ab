// The head of a request, where it is of a kind that no two readers can understand in different ways. Everything else is
// left to Node's parser: whatever is doubtful here is simply not read.
import { LRUCache } from 'lru-cache';

export type RequestHead = {
  readonly method: string;
  /** The target, in origin form. */
  readonly url: string;
  /** By their names in lower case; each came once. The same object for all requests that say the same. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many bytes of body follow. */
  readonly bodyBytes: number;
};

/** Below what Node's parser takes, so that it words the refusal of what is longer. */
const LONGEST_HEAD = 8192;

const REQUEST_LINE = /^(GET|POST) (\/[!-~]*) HTTP\/1\.1$/;
/**
 * A name is a token (RFC 9110, 5.6.2); a value is visible ASCII, spaces and tabs. Space behind a value is looked for behind a
 * value only, so that no line takes more than one look at each of its letters.
 */
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?:([!-~](?:[\t -~]*[!-~])?)[ \t]*)?$/;
const LENGTH = /^\d{1,9}$/;

/** What changes how the connection goes on, or where the request ends. */
const LEFT_TO_NODE = new Set([
  'expect',
  'http2-settings',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Reads a head without its last empty line; null when it is not for us to read. */
export function readHead(text: string): RequestHead | null {
  return readWith(readFields, text);
}

type Fields = Pick<RequestHead, 'headers' | 'bodyBytes'>;

function readWith(read: (lines: string) => Fields | null, text: string): RequestHead | null {
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0 || text.length > LONGEST_HEAD) return null;
  const [, method, url] = REQUEST_LINE.exec(text.slice(0, lineEnd)) ?? [];
  const fields = method === undefined ? null : read(text.slice(lineEnd + 2));
  if (method === undefined || url === undefined || fields === null) return null;
  if (method === 'POST' && fields.headers['content-length'] === undefined) return null;
  return { method, url, headers: fields.headers, bodyBytes: fields.bodyBytes };
}

function readFields(lines: string): Fields | null {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines.split('\r\n')) {
    const [, given, value = ''] = FIELD_LINE.exec(line) ?? [];
    if (given === undefined) return null;
    const name = given.toLowerCase();
    if (name in headers || LEFT_TO_NODE.has(name)) return null;
    headers[name] = value;
  }
  const { host, connection = 'keep-alive', 'content-length': length } = headers;
  if (host === undefined || connection.toLowerCase() !== 'keep-alive') return null;
  if (length !== undefined && !LENGTH.test(length)) return null;
  return { headers, bodyBytes: Number(length ?? 0) };
}

/** A client sends much the same headers with each request, its credential among them: they stay in this memory alone. */
const MOST_LETTERS = 500_000;

/** Makes the same of it, which keeps what is asked again: the same lines of headers give the same object of them. */
export function createHeadReader(): (text: string) => RequestHead | null {
  const known = new LRUCache<string, Fields>({
    maxSize: MOST_LETTERS,
    sizeCalculation: (_fields, lines) => lines.length,
  });
  const read = (lines: string) => {
    const before = known.get(lines);
    if (before) return before;
    // A copy, since V8 takes a part of a text for a reason to keep all of it.
    const own = Buffer.from(lines, 'latin1').toString('latin1');
    const fields = readFields(own);
    if (fields) known.set(own, fields);
    return fields;
  };
  return (text) => readWith(read, text);
}
