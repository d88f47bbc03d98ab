// Whole answers that everybody gets alike, as they leave: each with the questions that it was made from. One that was
// kept is right as long as every question still has the same answer, so nothing has to tell this cache of changes.
import { LRUCache } from 'lru-cache';
import { createTexts, type Texts } from '../execution/texts.ts';
import type { Recording, Sources } from '../follow/recording.ts';
import { byteLengthOf, type Content, copyInto } from '../http/content.ts';

export type AnswerCache = {
  /** An answer that still is what running the operation would give. */
  find(key: string): Buffer | undefined;
  keep(key: string, body: Content, recording: Recording): void;
  /** Parts of answers that are the same in all of them, for whomever. */
  readonly lists: Texts;
  /** What is kept, in estimated bytes. */
  bytes(): { answers: number; lists: number };
};

type Kept = { readonly bytes: Buffer; readonly recording: Recording };

/** What an entry takes beside its bytes, and each question in it. */
const ENTRY_BYTES = 1300;
const READING_BYTES = 200;
/** A letter in a key takes two bytes as soon as one of them is beyond Latin-1. */
const LETTER_BYTES = 2;

export type AnswerCacheOptions = {
  /** For whole answers, and as much again for lists. */
  maxBytes: number;
  /** What is longer is refused, in bytes. */
  longest: number;
  sources: Sources;
};

/** Makes the cache; `sources` are those of somebody who is not logged in. */
export function createAnswerCache({ maxBytes, longest, sources }: AnswerCacheOptions): AnswerCache {
  const answers = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes, recording }, key) =>
      ENTRY_BYTES + LETTER_BYTES * key.length + bytes.byteLength + READING_BYTES * recording.length,
  });
  const lists = createTexts(maxBytes);
  return {
    lists,
    find(key) {
      const known = answers.get(key);
      if (!known) return undefined;
      if (known.recording.holds(sources)) return known.bytes;
      answers.delete(key);
      return undefined;
    },
    keep(key, body, recording) {
      const size = byteLengthOf(body);
      if (!recording.isWhole || size > longest) return;
      // Of its own: a part of Node's pool would keep the whole of it.
      const bytes = Buffer.allocUnsafeSlow(size);
      copyInto(bytes, 0, body);
      answers.set(key, { bytes, recording });
    },
    bytes: () => ({ answers: answers.calculatedSize, lists: lists.bytes() }),
  };
}
