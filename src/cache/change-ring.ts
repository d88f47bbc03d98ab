// The last entries of a change stream as this process has heard them.
import { randomInt } from 'node:crypto';

export type StreamEntry<T> = { readonly id: string; readonly value: T };

/** What came after an entry. */
export type EntriesAfter<T> = {
  /** The entry itself, where it is still kept. */
  readonly entry: StreamEntry<T> | undefined;
  /** Oldest first. */
  readonly entries: readonly StreamEntry<T>[];
  /** False when some may be missing. */
  readonly complete: boolean;
  /** The id behind which nothing is in this answer. */
  readonly upTo: string;
};

/**
 * An id: `<ms>-<seq>` as Redis makes it, or `<ms>-<seq>.<n>` of an entry that only this process has heard, behind that
 * one. It holds nothing that a URL would have to escape.
 */
export const STREAM_ID = /^\d{1,15}-\d{1,15}(?:\.\d{1,15})?$/;

/** Keeps at least `maxLength` entries behind `start`. */
export function createChangeRing<T>({ start, maxLength }: { start: string; maxLength: number }) {
  let kept: StreamEntry<T>[] = [];
  /** Nothing behind this id is missing in `kept`. */
  let floor = start;
  let newest = start;
  /** Begins anywhere, so that another process' ids are not taken for this one's. */
  let local = randomInt(2 ** 40);

  const localId = () => `${newest.split('.', 1)[0]}.${++local}`;
  const indexOf = (id: string) => kept.findLastIndex((entry) => entry.id === id);

  return {
    has: (id: string): boolean => indexOf(id) >= 0,
    /** Adds an entry; with id null one that only this process hears. */
    add(id: string | null, value: T): StreamEntry<T> {
      newest = id ?? localId();
      const entry = { id: newest, value };
      kept.push(entry);
      // Cut off seldom, since that moves all the others.
      if (kept.length > maxLength * 1.25) {
        floor = (kept[kept.length - maxLength - 1] as StreamEntry<T>).id;
        kept = kept.slice(-maxLength);
      }
      return entry;
    },
    /** What came up to now may be incomplete: answers the id behind which nothing is missing. */
    noteGap(): string {
      newest = localId();
      floor = newest;
      kept = [];
      return floor;
    },
    since(id: string): EntriesAfter<T> {
      const index = indexOf(id);
      const complete = index >= 0 || id === floor;
      return { entry: kept[index], entries: complete ? kept.slice(index + 1) : [], complete, upTo: newest };
    },
  };
}
