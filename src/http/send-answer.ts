// Sends an answer that is whole, in one go.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { varyOf } from './cache-control.ts';
import { compressed } from './compression.ts';

/** Sends JSON of this content type; at once, or when it has been compressed. */
export type SendAnswer = (
  to: { readonly request: IncomingMessage; readonly response: ServerResponse },
  status: number,
  type: string,
  body: string | Buffer,
) => void | Promise<void>;

export function createSendAnswer({ compression }: { compression: boolean }): SendAnswer {
  /** By what an answer varies with before, which is one of very few. */
  const varies = new Map<unknown, string>();

  function varyAfter(known: ReturnType<ServerResponse['getHeader']>): string {
    const vary = varies.get(known) ?? varyOf(known, ['accept-encoding']);
    varies.set(known, vary);
    return vary;
  }

  return ({ request, response }, status, type, body) => {
    // Its client is gone.
    if (response.destroyed) return undefined;
    if (compression) {
      response.setHeader('vary', varyAfter(response.getHeader('vary')));
      const shorter = compressed(body, request.headers['accept-encoding']);
      if (shorter)
        return shorter.then((bytes) => {
          response.setHeader('content-encoding', 'gzip');
          send(bytes);
        });
    }
    return send(body);

    function send(content: string | Buffer): void {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(content) });
      response.end(content);
    }
  };
}
