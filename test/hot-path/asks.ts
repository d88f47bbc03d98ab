// A request to be sent to all: what it says, byte for byte, and how it is named where answers differ.

export type Header = readonly [name: string, value: string];

export type Ask = {
  name: string;
  method: string;
  request: Buffer;
  /** Whether it may never be answered, since it is not whole: it is left once everything is quiet. */
  isOpen?: boolean;
};

export type Body = string | Uint8Array | null;

export const JSON_TYPE: Header = ['content-type', 'application/json'];

/** A request of any kind. `chunks`: the body is sent in so many, instead of with its length. */
export function ask(
  name: string,
  method: string,
  target: string,
  headers: readonly Header[],
  body: Body = null,
  chunks = 0,
): Ask {
  const bytes = body === null ? Buffer.alloc(0) : Buffer.from(body as string);
  const framing: Header[] =
    body === null ? [] : [chunks > 0 ? ['transfer-encoding', 'chunked'] : ['content-length', String(bytes.length)]];
  const lines = [['host', 'gateway'] as const, ...headers, ...framing].map(([key, value]) => `${key}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return { name, method, request: Buffer.concat([head, chunks > 0 ? inChunks(bytes, chunks) : bytes]) };
}

/** A request as bytes that no builder would make. */
export const rawAsk = (name: string, lines: string, body = ''): Ask => ({
  name,
  method: lines.split(' ', 1)[0] ?? '',
  request: Buffer.from(`${lines}\r\n\r\n${body}`, 'latin1'),
  isOpen: true,
});

/** An operation by POST, as frontends send it. */
export const post = (name: string, params: object, headers: readonly Header[] = []): Ask =>
  postBody(name, JSON.stringify(params), headers);

/** A body by POST, as it is. */
export const postBody = (name: string, body: Body, headers: readonly Header[] = []): Ask =>
  ask(name, 'POST', '/graphql', [JSON_TYPE, ...headers], body);

/** An operation by GET; what is no text goes as JSON. */
export function get(name: string, params: Record<string, unknown>, headers: readonly Header[] = []): Ask {
  const texts = Object.entries(params).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return ask(name, 'GET', `/graphql?${new URLSearchParams(texts)}`, headers);
}

/** Every n-th. */
export const everyNth = <T>(all: readonly T[], n: number): T[] => all.filter((_, at) => at % n === 0);

function inChunks(bytes: Buffer, count: number): Buffer {
  const size = Math.max(1, Math.ceil(bytes.length / count));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}
