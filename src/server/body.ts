// The bodies of requests: read up to a limit, looked at before they are parsed, dropped when they are refused.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';

/**
 * Reads a request body as text; null as soon as it is larger than `maxBytes`. Bytes that are no text are ''. Rejects
 * when the client goes away meanwhile.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const read: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) leave(null);
      else read.push(chunk);
    };
    const end = () => leave(textOf(read, bytes));
    const leave = (text: string | null) => {
      request.off('data', take).off('end', end).off('error', reject);
      request.pause();
      resolve(text);
    };
    // Gone while it was proven who asks: no event would ever tell.
    if (request.destroyed) reject(new Error('The client went away before its request was read.'));
    request.on('data', take).on('end', end).on('error', reject);
  });
}

function textOf(read: readonly Buffer[], bytes: number): string {
  const body = read.length === 1 ? (read[0] as Buffer) : Buffer.concat(read, bytes);
  // Decoding would put replacement characters into what the client has said.
  return isUtf8(body) ? body.toString('utf8') : '';
}

/** How much of a refused body is still taken, and how long: a client that is cut off while it sends may never see its answer. */
const LINGER_BYTES = 1_048_576;
const LINGER_MS = 1000;

/** Takes a bounded rest of a body and drops it. */
export async function linger(request: IncomingMessage, clock: Clock): Promise<void> {
  const over = new AbortController();
  const dropped = dropBody(request.iterator({ destroyOnReturn: false }));
  await Promise.race([dropped, clock.sleep(LINGER_MS, over.signal)]).finally(() => over.abort());
}

async function dropBody(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > LINGER_BYTES) return;
  }
}

/** What is nested deeper takes JSON's parser many times as long as an operation takes; no operation comes near. */
const MOST_LEVELS = 10_000;

/** Whether JSON is nested deeper than anybody needs, found out without parsing it. */
export function isNestedTooDeep(json: string): boolean {
  if (json.length <= MOST_LEVELS) return false;
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
