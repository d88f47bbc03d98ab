// One at a time for each key, within this process, in the order of asking.

export type KeyedMutex = {
  /** Runs `work` when all earlier work of `key` is done. */
  runExclusive<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  settled(): Promise<void>;
};

export function createKeyedMutex(): KeyedMutex {
  /** When all work of a key is done. */
  const ends = new Map<string, Promise<void>>();

  return {
    runExclusive(key, work) {
      const running = (ends.get(key) ?? Promise.resolve()).then(work);
      const leave = () => {
        if (ends.get(key) === end) ends.delete(key);
      };
      const end = running.then(leave, leave);
      ends.set(key, end);
      return running;
    },
    async settled() {
      while (ends.size > 0) await Promise.all(ends.values());
    },
  };
}
