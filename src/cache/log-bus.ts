// The log's half among workers of one machine: the process above them gives the ids and passes everything on, in one order.
import type { LogEntry, LogMemory } from './log-memory.ts';

/** What passes entries on between workers. */
export type LogBus = {
  /**
   * Begins to hear: at `place`, with what is kept from there on, oldest first; from then on everything, in order. Resolves
   * when it has begun; false when nobody answers.
   */
  join(listener: {
    begin(place: string, kept: readonly LogEntry[]): void;
    heard(entry: LogEntry): void;
  }): Promise<boolean>;
  /** Adds an entry; resolves with its id when all workers have heard it, or undefined when nobody answers. */
  append(value: object): Promise<string | undefined>;
  /** Resolves when everything that was added before has been heard here. */
  catchUp(): Promise<void>;
};

export function joinBus({ bus, memory }: { bus: LogBus; memory: LogMemory }) {
  const hear = ({ id, value }: LogEntry) => void memory.hear(id, value, id);
  let joining: Promise<boolean> | null = null;
  let alone = 0;

  return {
    async catchUp(): Promise<void> {
      joining ??= bus.join({
        begin(place, kept) {
          memory.beginAt(place);
          for (const entry of kept) hear(entry);
        },
        heard: hear,
      });
      await joining;
      await bus.catchUp();
    },
    async append(value: object): Promise<string> {
      // The process above is gone, or too busy to answer: whoever listens here is told all the same.
      return (await bus.append(value)) ?? memory.hear(null, value, `alone:${++alone}`);
    },
    close() {},
  };
}
