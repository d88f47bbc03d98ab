// A short log that all replicas, or all workers, write and hear: every entry in the same order, and the last ones once more
// for whoever comes back. Knows no follow words.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { joinBus, type LogBus } from './log-bus.ts';
import { FIRST_ID } from './log-id.ts';
import { createLogMemory, type LogEntry, type Past } from './log-memory.ts';
import { joinStream } from './log-stream.ts';
import type { RedisLink } from './redis-link.ts';

export type { LogEntry } from './log-memory.ts';

export type Log = {
  /** Resolves when what Redis holds has been read, or Redis is known to be away. */
  ready(): Promise<void>;
  /**
   * Adds an entry; resolves with its id when Redis has it, or is known to be away: then it is told later. By then it has
   * been heard here. Only who waits for one before the next can rely on their order.
   */
  append(value: object): Promise<string>;
  /**
   * Hands over every entry from now on, in order, with what the stream holds already when it is read first. `missed` is
   * called when some may have been lost, with the place from which on nothing is lacking. Returns the way to stop.
   */
  listen(heard: (entry: LogEntry) => void, missed: (id: string) => void): () => void;
  /** The entries after `id`, oldest first, as far as they are kept; `complete` is false when some may be gone. */
  since(id: string): Promise<Past>;
  /** The entries that are kept, oldest first. */
  recent(): readonly LogEntry[];
  close(): void;
};

export type LogOptions = {
  /** Null: no other replica is heard of. */
  link: RedisLink | null;
  /** What the workers of this machine share where there is no link; null: this process is alone. */
  bus?: LogBus | null;
  /** The key of the stream that replicas share. */
  key: string;
  /** About so many entries are kept. */
  most: number;
  clock: Clock;
  /** Tells this replica from the others. */
  replica?: string;
};

export function createLog({ link, bus = null, key, most, clock, replica = randomUUID() }: LogOptions): Log {
  // Alone, every process begins a log of its own: who comes from another one is told that something may be missing.
  const start = link || bus ? FIRST_ID : `${clock.now()}-0`;
  const memory = createLogMemory({ most, start, isShared: link !== null });
  const shared = link ? joinStream({ link, key, most, clock, replica, memory }) : bus && joinBus({ bus, memory });
  let appended = 0;

  return {
    ready: async () => void (await shared?.catchUp()),
    append: async (value) => (shared ? shared.append(value) : memory.hear(null, value, `${++appended}`)),
    listen: (heard, missed) => memory.listen({ heard, missed }),
    async since(id) {
      const past = memory.since(id);
      if (past.complete || !shared) return past;
      // Another replica may be ahead of this one.
      await shared.catchUp();
      return memory.since(id);
    },
    recent: memory.recent,
    close: () => shared?.close(),
  };
}
