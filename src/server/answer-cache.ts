// Finished answers as bytes: the same request of the same viewer gets them while all that they were made from holds.
import { LRUCache } from 'lru-cache';
import type { Viewer } from '../auth/viewer.ts';
import type { Clock } from '../clock.ts';
import type { RequestState } from './request-state.ts';

/** What was asked: the request as it came, the types that it accepts, and its viewer. */
export type Question = {
  viewer: Viewer | null;
  accept: string;
  method: string;
  url: string;
  body?: string | undefined;
};

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
    find(question: Question): Answer | undefined {
      const key = keyOf(question);
      const answer = answers.get(key);
      if (!answer || holds(answer)) return answer;
      answers.delete(key);
      return undefined;
    },

    /** Keeps an answer of a query without errors in which nothing is stale. */
    keep(question: Question, state: RequestState, { contentType, body }: AnswerBytes): void {
      const { freshUntil, isWhole } = state;
      if (!isWhole) return;
      const keptUntil = Number.isFinite(freshUntil) ? freshUntil : clock.now() + TIMELESS_MS;
      answers.set(keyOf(question), { facts: factsOf(state), contentType, body, keptUntil });
    },
  };
}

/** What is told of the request of each further answer. */
function factsOf({ document, documentId, operationName, operationType, ...state }: RequestState) {
  const { freshUntil, groups, isWhole, dependsOnViewer } = state;
  return { document, documentId, operationName, operationType, freshUntil, groups, isWhole, dependsOnViewer };
}

/** Only what could be mistaken for something else is quoted. */
function keyOf({ viewer, accept, method, url, body }: Question): string {
  return `${JSON.stringify([viewer?.userId ?? null, accept])}${method} ${body ?? url}`;
}
