// The last entries of a change stream as this process has heard them, in one growing order.
import { randomInt } from 'node:crypto';

/** One entry. Ids grow in the order in which this replica heard the entries. */
export type StreamEntry<T> = { readonly id: string; readonly value: T };

/** What came after an id, oldest first. */
export type EntriesAfter<T> = {
  readonly entries: readonly StreamEntry<T>[];
  /** False when some may be gone. */
  readonly complete: boolean;
  /** The id up to which this answers: what is heard later comes behind it. */
  readonly upTo: string;
};

/**
 * An id: `<ms>-<seq>` as Redis makes it, or `<ms>-<seq>.<n>` of an entry that only this process has heard, behind that
 * place. It holds nothing that a URL would have to escape.
 */
export const STREAM_ID = /^\d{1,15}-\d{1,15}(?:\.\d{1,15})?$/;

export const FIRST_ID = '0-0';

/** Below zero when `a` comes before `b`, zero when they are the same place. */
export function compareIds(a: string, b: string): number {
  const [left, right] = [a.split(/[-.]/), b.split(/[-.]/)];
  for (let i = 0; i < 3; i++) {
    const order = Number(left[i] ?? 0) - Number(right[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Keeps at least `maxLength` entries behind `start`. */
export function createChangeRing<T>({ start, maxLength }: { start: string; maxLength: number }) {
  let kept: StreamEntry<T>[] = [];
  /** Nothing behind this id is missing in `kept`. */
  let floor = start;
  let newest = start;
  /** Begins anywhere, so that another process' ids are not taken for this one's. */
  let local = randomInt(2 ** 40);

  const localId = () => `${newest.split('.', 1)[0]}.${++local}`;

  /** Where in `kept` the entries behind `id` begin; null when some of them may be gone. */
  function indexAfter(id: string): number | null {
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareIds((kept[middle] as StreamEntry<T>).id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    if (id === floor || kept[low - 1]?.id === id) return low;
    // What another process alone has heard has no place here.
    return !id.includes('.') && compareIds(id, floor) > 0 && compareIds(id, newest) < 0 ? low : null;
  }

  return {
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
    /** Begins behind `id`, where nothing has been heard yet. */
    beginAt(id: string): void {
      if (kept.length === 0 && floor === start) floor = id;
    },
    /** What came up to now may be incomplete: answers the id behind which nothing is missing. */
    noteGap(): string {
      newest = localId();
      floor = newest;
      kept = [];
      return floor;
    },
    since(id: string): EntriesAfter<T> {
      const index = indexAfter(id);
      return { entries: kept.slice(index ?? kept.length), complete: index !== null, upTo: newest };
    },
    recent: (): readonly StreamEntry<T>[] => kept,
  };
}
