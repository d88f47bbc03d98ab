// Finished answers as bytes: the same request of the same viewer gets them while all that they were made from holds; and
// what HTTP caches are told of them.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Viewer } from '../auth/authentication.ts';
import type { Clock } from '../clock.ts';
import type { RequestState } from './request-state.ts';

export type AnswerBytes = { readonly contentType: string; readonly body: Buffer };
type Answer = AnswerBytes & { readonly facts: ReturnType<typeof factsOf>; readonly keptUntil: number };

export type AnswerCache = ReturnType<typeof createAnswerCache>;

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** What an entry takes beside its texts, and each group that it names. */
const ENTRY_BYTES = 1000;
const GROUP_BYTES = 100;
/** How long an answer holds for which nothing was read: ids alone, or what the schema says of itself. */
const TIMELESS_MS = 60_000;

/** Makes the cache. `isCurrent` says whether a cache group is still what it was at a sequence. */
export function createAnswerCache(isCurrent: (group: string, sequence: number) => boolean, clock: Clock) {
  const answers = new LRUCache<string, Answer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    sizeCalculation: ({ facts, body }, key) =>
      body.byteLength + 2 * key.length + ENTRY_BYTES + GROUP_BYTES * facts.groups.size,
  });

  function holds({ facts, keptUntil }: Answer): boolean {
    if (clock.now() >= keptUntil) return false;
    for (const [group, sequence] of facts.groups) if (!isCurrent(group, sequence)) return false;
    return true;
  }

  return {
    /** The answer to this question, if it is known and still holds. */
    find(question: string): Answer | undefined {
      const answer = answers.get(question);
      if (!answer || holds(answer)) return answer;
      answers.delete(question);
      return undefined;
    },

    /** Keeps an answer of a query without errors in which nothing is stale. */
    keep(question: string, state: RequestState, { contentType, body }: AnswerBytes): void {
      const { freshUntil, isWhole } = state;
      if (!isWhole) return;
      const keptUntil = Number.isFinite(freshUntil) ? freshUntil : clock.now() + TIMELESS_MS;
      answers.set(question, { facts: factsOf(state), contentType, body, keptUntil });
    },
  };
}

/** What is told of the request of each further answer. */
function factsOf({ text, documentId, operationName, operationType, ...state }: RequestState) {
  const { freshUntil, groups, isWhole, dependsOnViewer } = state;
  return { text, documentId, operationName, operationType, freshUntil, groups, isWhole, dependsOnViewer };
}

/** What was asked, by which viewer, in which types. Only what could be mistaken for something else is quoted. */
export function questionOf({ method, url, headers }: IncomingMessage, viewer: Viewer | null, body?: string): string {
  return `${JSON.stringify([viewer?.userId ?? null, headers.accept])}${method} ${body ?? url}`;
}

/** What holds for errors, for what is stale, and for streams. */
const NOT_STORED = 'private, no-store';

/** Makes what sets the headers; `viewerHeaders` are those by which a request names its viewer. */
export function createCacheHeaders(viewerHeaders: readonly string[], clock: Clock) {
  const varies = ['accept', ...viewerHeaders].join(', ');

  function set(response: ServerResponse, cacheControl: string): void {
    response.setHeader('cache-control', cacheControl);
    response.appendHeader('vary', varies);
  }

  return {
    forbid: (response: ServerResponse) => set(response, NOT_STORED),

    /** Sets the headers of an answer; true when the client has it, and the response is to have no body. */
    isKnown(request: IncomingMessage, response: ServerResponse, state: RequestState, answer: AnswerBytes): boolean {
      const cacheControl = cacheControlOf(state, clock.now());
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

function cacheControlOf({ isWhole, viewer, dependsOnViewer, freshUntil }: RequestState, now: number): string {
  if (!isWhole) return NOT_STORED;
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
