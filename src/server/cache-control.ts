// What HTTP caches may do with an answer that was asked for by GET, and whether the client has it already.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { AnswerBytes } from './answer-cache.ts';
import type { RequestState } from './request-state.ts';

/** What holds for errors, for what is stale, and for streams. */
const NOT_STORED = 'private, no-store';
/** Nothing was read for it: ids alone, or what the schema says of itself. */
const TIMELESS_MS = 60_000;

/** Makes what sets the headers; `viewerHeaders` are those by which a request names its viewer. */
export function createCacheHeaders(viewerHeaders: readonly string[], clock: Clock) {
  const varies = ['accept', ...viewerHeaders].join(', ');

  function set(response: ServerResponse, cacheControl: string): void {
    response.setHeader('cache-control', cacheControl);
    const known = response.getHeader('vary');
    response.setHeader('vary', known ? `${known}, ${varies}` : varies);
  }

  return {
    forbid: (response: ServerResponse) => set(response, NOT_STORED),

    /** Sets the headers of an answer; true when the client has it, and the response is to have no body. */
    isKnown(request: IncomingMessage, response: ServerResponse, state: RequestState, answer: AnswerBytes): boolean {
      const cacheControl = response.statusCode === 200 ? cacheControlOf(state, clock.now()) : NOT_STORED;
      set(response, cacheControl);
      if (cacheControl === NOT_STORED) return false;
      // A strong validator: other bytes, or another type, are another representation.
      const sha256 = createHash('sha256').update(`${answer.contentType}\n`).update(answer.body).digest('base64url');
      const tag = `"${sha256.slice(0, 27)}"`;
      response.setHeader('etag', tag);
      if (!isNamedBy(request.headers['if-none-match'], tag)) return false;
      response.removeHeader('content-type');
      response.statusCode = 304;
      return true;
    },
  };
}

function cacheControlOf({ isWhole, viewer, document, dependsOnViewer, freshUntil }: RequestState, now: number): string {
  if (!isWhole || !document) return NOT_STORED;
  // A viewer may have changed something since, or just have logged in, and must see it: their cache asks again, at the
  // cost of a 304.
  if (viewer !== null || dependsOnViewer) return 'private, no-cache';
  const seconds = Math.floor((Number.isFinite(freshUntil) ? freshUntil - now : TIMELESS_MS) / 1000);
  return seconds > 0 ? `public, max-age=${seconds}` : 'public, no-cache';
}

/** Whether an `If-None-Match` header names this representation. A cache that compresses weakens the tag. */
function isNamedBy(header: string | undefined, tag: string): boolean {
  if (!header) return false;
  return header.trim() === '*' || header.split(',').some((named) => named.trim().replace(/^W\//, '') === tag);
}
