// Collects single keys from all over the process into the fewest batch calls that the source takes.
import DataLoader from 'dataloader';
import type { Clock } from '../clock.ts';
import { combineWaiters, type Waiter } from './single-flight.ts';

/** One answer for every key that was asked; a failure stays with its key. */
export type Answers<V> = ReadonlyMap<string, V | Error>;

/** The value of `key`, from the next batch. */
export type BatchLoad<V> = (key: string, waiter: Waiter) => Promise<V>;

export type BatchLoaderOptions<V> = {
  clock: Clock;
  maxBatchSize: number;
  /** How many keys are on their way here, while Redis is asked for them: a batch waits for them a little longer. */
  coming: () => number;
  call(keys: readonly string[], all: Waiter): Promise<Answers<V>>;
  /**
   * Keys that may fill spare slots, and where their values go: they are chosen before the call is made, and no reader
   * waits for them.
   */
  prefetch?: (
    slots: number,
    asked: ReadonlySet<string>,
  ) => { keys: readonly string[]; put(key: string, value: V): void };
  onBatch?: (size: number) => void;
};

/**
 * A batch waits for company in rounds: a time, and turns of the event loop. The turns are what counts when the process is
 * busy: requests that have arrived together are parsed one by one, with much time between.
 */
const ROUND_MS = 1.5;
const ROUND_TURNS = 3;
/** It leaves after a round that brought nothing, and after this number of rounds that brought few. */
const MAX_THIN_ROUNDS = 6;
const FEW = 3;

type Request = { key: string; waiter: Waiter };

export function createBatchLoader<V>(options: BatchLoaderOptions<V>): BatchLoad<V> {
  const { clock, maxBatchSize, coming, call, prefetch, onBatch = () => {} } = options;
  let arrived = 0;

  async function schedule(dispatch: () => void): Promise<void> {
    for (let thin = 0, news = 1; thin < MAX_THIN_ROUNDS && (news > 0 || coming() > 0); ) {
      const before = arrived;
      await clock.sleep(ROUND_MS);
      for (let turn = 0; turn < ROUND_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      news = arrived - before;
      if (news < FEW) thin++;
    }
    dispatch();
  }

  async function load(requests: readonly Request[]): Promise<(V | Error)[]> {
    const { all, join } = combineWaiters();
    const present = requests.filter(({ waiter }) => !waiter.signal.aborted);
    const stopListening = present.map(({ waiter }) => join(waiter));
    const asked = new Set(present.map(({ key }) => key));
    const spare = prefetch?.(maxBatchSize - asked.size, asked);
    const keys = [...asked, ...(spare?.keys ?? [])];
    if (asked.size > 0) onBatch(keys.length);
    try {
      const answers = asked.size > 0 ? await call(keys, all) : new Map<string, V>();
      for (const key of spare?.keys ?? []) {
        const answer = answers.get(key);
        if (answer !== undefined && !(answer instanceof Error)) spare?.put(key, answer);
      }
      return requests.map(({ key }) => answers.get(key) ?? new Error(`The batch left out ${key}.`));
    } finally {
      for (const stop of stopListening) stop();
    }
  }

  const loader = new DataLoader<Request, V>(load, {
    cache: false,
    maxBatchSize,
    batchScheduleFn: (dispatch) => void schedule(dispatch),
  });
  return (key, waiter) => {
    arrived++;
    return loader.load({ key, waiter });
  };
}
