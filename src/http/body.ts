import { isUtf8 } from 'node:buffer';

/** Reads a request body as text, or gives up with null as soon as it is larger than `maxBytes`. Bytes that are no text are ''. */
export async function readBody(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    read.push(chunk);
  }
  const body = Buffer.concat(read, bytes);
  // Decoding would put replacement characters into what the client has said.
  return isUtf8(body) ? body.toString('utf8') : '';
}

/** What is nested deeper takes JSON's parser many times as long as an operation takes; no operation comes near. */
const MOST_LEVELS = 10_000;

/** Whether JSON is nested deeper than anybody needs, found out without parsing it. */
export function isNestedTooDeep(json: string): boolean {
  let levels = 0;
  for (let at = 0; at < json.length; at++) {
    const letter = json[at];
    if (letter === '"') {
      at = endOfString(json, at);
      if (at < 0) return false;
    } else if (letter === '[' || letter === '{') {
      if (++levels > MOST_LEVELS) return true;
    } else if (letter === ']' || letter === '}') levels--;
  }
  return false;
}

function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end > 0; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end;
  }
  return -1;
}

/** Takes what is left of a body and drops it, `maxBytes` of it at most. */
export async function dropBody(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return;
  }
}

/** An answer for a request that never reaches GraphQL, in GraphQL's shape. */
export function refusal(message: string, code = 'BAD_REQUEST'): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}

/**
 * A body that has been read, for Yoga to take once more. Its server lists the keys of what it is given: a text has as
 * many as letters, which takes longer than all else that is done with it.
 */
export function bodyOf(text: string): AsyncIterable<Uint8Array> {
  async function* read() {
    yield Buffer.from(text);
  }
  // Without any key it is taken for no body at all.
  return Object.assign({ [Symbol.asyncIterator]: read }, { letters: text.length });
}
