// Sends an answer that is whole, in one write.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { varyOf } from './cache-control.ts';
import { compressed } from './compression.ts';

/** JSON, as it was written, or with a letter for each of its bytes in UTF-8. */
export type Text = { readonly text: string; readonly encoding: 'utf8' | 'latin1' };

/** Sends JSON of this content type; at once, or when it has been compressed. */
export type SendAnswer = (
  to: { readonly request: IncomingMessage; readonly response: ServerResponse },
  status: number,
  type: string,
  body: Text,
) => void | Promise<void>;

export function createSendAnswer({ compression }: { compression: boolean }): SendAnswer {
  return ({ request, response }, status, type, { text, encoding }) => {
    // Its client is gone.
    if (response.destroyed) return undefined;
    if (compression) {
      response.setHeader('vary', varyOf(response.getHeader('vary'), ['accept-encoding']));
      const shorter = compressed(Buffer.from(text, encoding), request.headers['accept-encoding']);
      if (shorter)
        return shorter.then((bytes) => {
          response.setHeader('content-encoding', 'gzip');
          send(bytes, bytes.byteLength);
        });
    }
    // A text leaves in one piece with the head; bytes would be a second one.
    return send(text, Buffer.byteLength(text, encoding));

    function send(content: string | Buffer, bytes: number): void {
      response.writeHead(status, { 'content-type': type, 'content-length': bytes });
      // A letter for each byte is written without a look at any.
      if (typeof content === 'string') response.end(content, bytes === content.length ? 'latin1' : encoding);
      else response.end(content);
    }
  };
}
