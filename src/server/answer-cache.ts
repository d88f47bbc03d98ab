// Finished answers as bytes: the same request of the same viewer gets them while all that they were made from holds.
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Viewer } from '../auth/viewer.ts';
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
/** An answer for which nothing was read that ends, such as ids alone. */
const TIMELESS_MS = 60_000;

/** Makes the cache. `isCurrent` says whether a cache group is still what it was at a generation. */
export function createAnswerCache(isCurrent: (group: string, generation: number) => boolean, clock: Clock) {
  const answers = new LRUCache<string, Answer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    sizeCalculation: ({ facts, body }, key) =>
      body.byteLength + 2 * key.length + ENTRY_BYTES + GROUP_BYTES * facts.groups.size,
  });

  function holds({ facts, keptUntil }: Answer): boolean {
    if (clock.now() >= keptUntil) return false;
    for (const [group, generation] of facts.groups) if (!isCurrent(group, generation)) return false;
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
function factsOf({ document, documentId, operationName, operationType, ...state }: RequestState) {
  const { freshUntil, groups, isWhole, dependsOnViewer } = state;
  return { document, documentId, operationName, operationType, freshUntil, groups, isWhole, dependsOnViewer };
}

/** What was asked, by which viewer, in which types. Only what could be mistaken for something else is quoted. */
export function questionOf({ method, url, headers }: IncomingMessage, viewer: Viewer | null, body?: string): string {
  return `${JSON.stringify([viewer?.userId ?? null, headers.accept])}${method} ${body ?? url}`;
}
