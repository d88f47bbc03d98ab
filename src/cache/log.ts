// A short log that all replicas write and hear: every entry in the same order, and the last ones once more for whoever
// comes back. Knows no follow words.

/** An entry. Ids grow: `compareIds` orders them. */
export type LogEntry = { readonly id: string; readonly value: unknown };

export type Log = {
  /** Adds an entry; resolves with its id when Redis has it, or is known to be away: then it is told later. */
  append(value: object): Promise<string>;
  /** Hands over every entry from now on, in order; `missed` is called when some may have been lost. Returns the way to stop. */
  listen(heard: (entry: LogEntry) => void, missed: () => void): () => void;
  /** The entries after `id`, oldest first, as far as they are kept; `complete` is false when some may be gone. */
  since(id: string): Promise<{ entries: readonly LogEntry[]; complete: boolean }>;
  /** The entries that are kept, oldest first. */
  recent(): readonly LogEntry[];
  close(): void;
};
