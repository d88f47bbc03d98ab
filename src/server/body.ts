// The bodies of requests, read up to a limit.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** How much of a body that is too large is still taken: a client that is cut off while it sends never sees its answer. */
const MAX_DROPPED_BYTES = 1_048_576;

/**
 * Reads a request body as text; null when it is larger than `maxBytes`, for which `onTooLarge` is called as soon as it is
 * known. Bytes that are no text are ''. Rejects when the client goes away meanwhile.
 */
export function readBody(request: IncomingMessage, maxBytes: number, onTooLarge = () => {}): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let read: Buffer[] = [];
    let bytes = 0;
    let isTooLarge = Number(request.headers['content-length']) > maxBytes;
    if (isTooLarge) onTooLarge();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (isTooLarge) {
        if (bytes > maxBytes + MAX_DROPPED_BYTES) resolve(null);
      } else if (bytes > maxBytes) {
        isTooLarge = true;
        read = [];
        onTooLarge();
      } else read.push(chunk);
    });
    request.on('end', () => resolve(isTooLarge ? null : textOf(read, bytes)));
    request.on('error', reject);
    if (request.destroyed) reject(new Error('The client went away before its request was read.'));
  });
}

function textOf(read: readonly Buffer[], bytes: number): string {
  const body = read.length === 1 ? (read[0] as Buffer) : Buffer.concat(read, bytes);
  // Decoding would put replacement characters into what the client has said. A byte order mark is no part of it.
  return isUtf8(body) ? body.toString('utf8').replace(/^\uFEFF/, '') : '';
}
