// The head of a request, where it is of a kind that no two readers can understand in different ways. Everything else is
// left to Node's parser: whatever is doubtful here is simply not read.
import { LRUCache } from 'lru-cache';

export type RequestHead = {
  readonly method: string;
  /** The target, in origin form. */
  readonly url: string;
  /** By their names in lower case. Each came once. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many bytes of body follow. */
  readonly bodyBytes: number;
};

/** Below what Node's parser takes, so that it words the refusal of what is longer. */
const LONGEST_HEAD = 8192;

const REQUEST_LINE = /^(GET|POST) (\/[!-~]*) HTTP\/1\.1$/;
/** A name is a token (RFC 9110, 5.6.2); a value is visible ASCII, spaces and tabs. */
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[\t -~]*[!-~])?)?[ \t]*$/;
const LENGTH = /^\d{1,9}$/;

/** What changes how the connection goes on, or where the request ends. */
const LEFT_TO_NODE = new Set(['expect', 'http2-settings', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Reads a head without its last empty line; null when it is not for us to read. */
export function readHead(text: string): RequestHead | null {
  if (text.length > LONGEST_HEAD) return null;
  const [requestLine = '', ...lines] = text.split('\r\n');
  const [, method, url] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || url === undefined) return null;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, given, value = ''] = FIELD_LINE.exec(line) ?? [];
    if (given === undefined) return null;
    const name = given.toLowerCase();
    if (name in headers || LEFT_TO_NODE.has(name)) return null;
    headers[name] = value;
  }
  const { host, connection = 'keep-alive', 'content-length': length } = headers;
  if (host === undefined || connection.toLowerCase() !== 'keep-alive') return null;
  if (length === undefined ? method === 'POST' : !LENGTH.test(length)) return null;
  return { method, url, headers, bodyBytes: Number(length ?? 0) };
}

/** A client sends much the same head with each request. */
const MOST_LETTERS = 500_000;

/** Makes the same of it, which keeps what is asked again: the same text gives the same object. */
export function createHeadReader(): (text: string) => RequestHead | null {
  const known = new LRUCache<string, RequestHead>({
    maxSize: MOST_LETTERS,
    sizeCalculation: (_head, text) => text.length,
  });
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    const head = readHead(text);
    if (head) known.set(text, head);
    return head;
  };
}
