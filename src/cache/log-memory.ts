// The last entries of a log as this replica has heard them, in one growing order, and whoever listens to it.
import { randomInt } from 'node:crypto';
import { compareIds, idBehind, ownerOf } from './log-id.ts';

/** An entry. Ids grow: `compareIds` orders them. */
export type LogEntry = { readonly id: string; readonly value: unknown };

/** What is kept behind an id. */
export type Past = {
  /** Oldest first. */
  readonly entries: readonly LogEntry[];
  /** False when some may be gone. */
  readonly complete: boolean;
  /** The place up to which this answers: what is heard later comes behind it. */
  readonly upTo: string;
};

export type Listener = { heard(entry: LogEntry): void; missed(id: string): void };

export type LogMemory = ReturnType<typeof createLogMemory>;

export type LogMemoryOptions = {
  /** So many entries are kept. */
  most: number;
  /** The place at which this replica begins to hear. */
  start: string;
  /** Whether what other replicas have heard of themselves alone reaches this one later. */
  isShared: boolean;
};

export function createLogMemory({ most, start, isShared }: LogMemoryOptions) {
  const tag = randomInt(2 ** 32);
  const listeners = new Set<Listener>();
  /** A ring: entry `i` of the log as a whole lies at `i % most`. */
  const kept: (LogEntry & { readonly nonce: string })[] = [];
  /** What the writers of the kept entries called them. */
  const nonces = new Set<string>();
  let added = 0;
  let newest = start;
  /** Nothing behind this place is lacking. */
  let floor = start;

  const count = () => Math.min(added, most);
  const at = (i: number) => kept[(added - count() + i) % most] as LogEntry;

  function slice(from: number): LogEntry[] {
    return Array.from({ length: count() - from }, (_, i) => at(from + i));
  }

  /** How many of the kept entries come up to `id`. */
  function countUpTo(id: string): number {
    let [low, high] = [0, count()];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareIds(at(middle).id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    /** The place of the entry that was heard last. */
    newest: () => newest,
    /** Whether an entry was heard already, and not long ago. */
    hasHeard: (nonce: string): boolean => nonces.has(nonce),
    /** Hands an entry over, under its id where that comes behind all others, else under one that does. */
    hear(id: string | null, value: unknown, nonce: string): string {
      newest = id !== null && compareIds(id, newest) > 0 ? id : idBehind(newest, tag);
      const oldest = kept[added % most];
      if (oldest) {
        floor = compareIds(oldest.id, floor) > 0 ? oldest.id : floor;
        nonces.delete(oldest.nonce);
      }
      const entry = { id: newest, value, nonce };
      kept[added++ % most] = entry;
      nonces.add(nonce);
      for (const listener of [...listeners]) listener.heard(entry);
      return newest;
    },
    /** What came up to `place` is not known. */
    beginAt(place: string): void {
      if (compareIds(place, floor) > 0) floor = place;
      if (compareIds(place, newest) > 0) newest = place;
    },
    /** Entries behind the newest one are lost; behind `place`, where that is known, none is. */
    miss(place: string | null = null): void {
      newest = place !== null && compareIds(place, newest) > 0 ? place : idBehind(newest, tag);
      floor = newest;
      for (const listener of [...listeners]) listener.missed(newest);
    },
    since(id: string): Past {
      const owner = ownerOf(id);
      const isForeign = owner !== null && owner.tag !== tag;
      // What another replica heard of itself alone is told here later: better twice than not at all.
      const place = isForeign ? owner.behind : id;
      const isKnown = compareIds(place, floor) >= 0 && compareIds(place, newest) <= 0 && (isShared || !isForeign);
      return { entries: slice(countUpTo(place)), complete: isKnown, upTo: newest };
    },
    recent: (): readonly LogEntry[] => slice(0),
    listen(listener: Listener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
