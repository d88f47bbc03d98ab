// Answers as gzip, for clients that take it.
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Plugin } from 'graphql-yoga';
import { varyOf } from './cache-control.ts';

const compress = promisify(gzip);

/** Shorter answers fit into one packet anyway. */
const WORTHWHILE_BYTES = 1400;
/** The slower levels gain little on answers of some kilobytes. */
const LEVEL = { level: constants.Z_BEST_SPEED };

/**
 * Compresses an answer of so many bytes for a client with this `accept-encoding`; null when it is better sent as it is. How long a
 * compressed answer is tells something of what is in it, also through TLS; but no secret ever stands in one beside what
 * somebody else has chosen: there are no tokens in answers, and who could make a viewer's client send a query of theirs
 * would need CORS, and could then read the answer itself.
 */
export function compressed(
  bodyOf: () => string | Buffer,
  bytes: number,
  accepted: string | undefined,
): Promise<Buffer<ArrayBuffer>> | null {
  if (bytes < WORTHWHILE_BYTES || !takesGzip(accepted ?? '')) return null;
  return compress(bodyOf(), LEVEL);
}

/** Makes the plugin that compresses JSON answers; `varyKnown` tells what an answer depends on already. */
export function createCompression<Context extends object>(
  varyKnown: (context: Context) => number | string | readonly string[] | undefined,
): Plugin<Context, Context> {
  return {
    async onResponse({ request, response, setResponse, fetchAPI, serverContext }) {
      const { headers, status } = response;
      // Streams leave event by event. What has not changed has no type.
      if (status !== 304 && !headers.get('content-type')?.includes('json')) return;
      headers.set('vary', varyOf(headers.get('vary') ?? varyKnown(serverContext), ['accept-encoding']));
      const accepted = request.headers.get('accept-encoding') ?? '';
      if (status === 304 || !takesGzip(accepted)) return;
      const text = await response.text();
      const named = Object.fromEntries(headers);
      const body = await compressed(() => text, Buffer.byteLength(text), accepted);
      if (body === null) return setResponse(new fetchAPI.Response(text, { status, headers: named }));
      // A strong tag stands for other bytes than these.
      if (named.etag?.startsWith('"')) named.etag = `W/${named.etag}`;
      named['content-encoding'] = 'gzip';
      named['content-length'] = String(body.byteLength);
      setResponse(new fetchAPI.Response(body, { status, headers: named }));
    },
  };
}

/** Whether an `accept-encoding` header names gzip, or anything, and not with a weight of nothing. */
function takesGzip(accepted: string): boolean {
  if (accepted === '') return false;
  const weights = new Map(
    accepted
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [coding = '', weight = 'q=1'] = part.split(';').map((word) => word.trim());
        return [coding, Number(weight.slice(2))];
      }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
