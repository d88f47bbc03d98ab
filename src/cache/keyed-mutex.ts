// One at a time for each key, within this process, in the order of asking.
import { type Clock, setAlarm } from '../clock.ts';

export type KeyedMutex = {
  /**
   * Runs `work` when all earlier work of `key` is done; rejects with `late()`, without running it, when that is not
   * before `deadlineAt` (epoch milliseconds).
   */
  runExclusive<T>(key: string, deadlineAt: number, late: () => Error, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  settled(): Promise<void>;
};

export function createKeyedMutex(clock: Clock): KeyedMutex {
  /** When all work of a key is done. */
  const ends = new Map<string, Promise<void>>();

  return {
    async runExclusive(key, deadlineAt, late, work) {
      const before = ends.get(key);
      const { promise: over, resolve: leave } = Promise.withResolvers<void>();
      const end = Promise.all([before, over]).then(() => {
        if (ends.get(key) === end) ends.delete(key);
      });
      ends.set(key, end);
      try {
        if (before) {
          const { promise: turn, resolve: begin, reject } = Promise.withResolvers<void>();
          const callOff = setAlarm(clock, Math.max(0, deadlineAt - clock.now()), () => reject(late()));
          void before.then(begin);
          await turn.finally(callOff);
        }
        if (clock.now() >= deadlineAt) throw late();
        return await work();
      } finally {
        leave();
      }
    },
    async settled() {
      while (ends.size > 0) await Promise.all(ends.values());
    },
  };
}
