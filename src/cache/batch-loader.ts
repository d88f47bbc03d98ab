// Collects single keys from all over the process into the fewest batch calls that the source takes; spare slots of a
// call renew what is about to be stale.
import DataLoader from 'dataloader';
import type { Clock } from '../clock.ts';
import { inSpan, sharedSpan } from '../span.ts';
import type { ReadThrough } from './read-through.ts';
import { type CallOptions, combineWaiters } from './single-flight.ts';

/** One answer for every key that was asked; a failure stays with its key. */
export type Answers<V> = ReadonlyMap<string, V | Error>;

export type BatchLoader<V> = ReturnType<typeof createBatchLoader<V>>;

export type BatchLoaderOptions<V> = {
  /** Names its batches in traces. */
  kind: string;
  clock: Clock;
  /** Where the values go: a batch waits for keys that are still looked up in Redis. */
  cache: Pick<ReadThrough<V>, 'looking' | 'isDue' | 'asOf' | 'put'>;
  maxBatchSize: number;
  /** Keys with equal parts go in one call, for those alone who wait for one of them; left out: all of a batch do. */
  partOf?(key: string): string;
  call(keys: readonly string[], all: CallOptions): Promise<Answers<V>>;
  /** For how long a key is renewed after a client has asked for it, in milliseconds; left out: spare slots stay empty. */
  renewMs?: number;
  /** Whether spare slots also take keys of which nothing is known. */
  bringsNew?: boolean;
  onBatch?: (size: number) => void;
};

/**
 * A batch waits for company in rounds: a time, and turns of the event loop. The turns are what counts when the process is
 * busy: requests that have arrived together are parsed one by one, with much time between.
 */
const ROUND_MS = 1.5;
const ROUND_TURNS = 3;
/** It leaves when it is full, after a round that brought nothing, and after so many rounds: keys may never cease to come. */
const MAX_ROUNDS = 30;
/** A round that brought few counts as several. */
const FEW = 3;
const ROUNDS_OF_FEW = 5;
/** A cached answer takes a spare slot when less than this share of its fresh time is left. */
const DUE_SHARE = 0.5;
/** How many keys a batch looks at for each spare slot, and how many are kept in mind. */
const LOOKS_PER_SLOT = 4;
const MAX_NOTED = 20_000;

type Request = { key: string; waiter: CallOptions };

export function createBatchLoader<V>(options: BatchLoaderOptions<V>) {
  const { kind, clock, cache, maxBatchSize, call, renewMs = 0, bringsNew = false, onBatch = () => {} } = options;
  const { partOf = () => '' } = options;
  let arrived = 0;
  /** Key → when it was noted last; in the order in which they were last looked at. */
  const noted = new Map<string, number>();

  async function schedule(dispatch: () => void): Promise<void> {
    const fullAt = arrived - 1 + maxBatchSize;
    let more = 1;
    for (let rounds = 0; rounds < MAX_ROUNDS && arrived < fullAt && (more > 0 || cache.looking() > 0); ) {
      const before = arrived;
      await clock.sleep(ROUND_MS);
      for (let turn = 0; turn < ROUND_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      more = arrived - before;
      rounds += more < FEW ? ROUNDS_OF_FEW : 1;
    }
    dispatch();
  }

  /** At most `slots` noted keys that are due; the next call goes on where this one ended. */
  function takeDue(slots: number, asked: ReadonlySet<string>): string[] {
    const taken: string[] = [];
    let looks = Math.min(noted.size, slots * LOOKS_PER_SLOT);
    for (const [key, at] of noted) {
      if (looks-- <= 0 || taken.length >= slots) break;
      noted.delete(key);
      if (clock.now() - at > renewMs) continue;
      noted.set(key, at);
      if (!asked.has(key) && (cache.isDue(key, DUE_SHARE) ?? bringsNew)) taken.push(key);
    }
    return taken;
  }

  async function load(requests: readonly Request[]): Promise<(V | Error)[]> {
    const present = requests.filter(({ waiter }) => !waiter.signal.aborted);
    const parts = Map.groupBy(present, ({ key }) => partOf(key));
    const answers = await Promise.all(Array.from(parts.values(), loadPart));
    const byKey = new Map(answers.flatMap((part) => [...part]));
    return requests.map(({ key }) => byKey.get(key) ?? new Error(`The batch left out ${key}.`));
  }

  async function loadPart(present: readonly Request[]): Promise<Answers<V>> {
    const { all, join, beginWork } = combineWaiters();
    const stopListening = present.map(({ waiter }) => join(waiter));
    const asked = new Set(present.map(({ key }) => key));
    const spare = takeDue(maxBatchSize - asked.size, asked);
    onBatch(asked.size + spare.length);
    const sizes = { 'follow_gateway.batch.keys': asked.size, 'follow_gateway.batch.spare_keys': spare.length };
    const span = sharedSpan(all.spans, `batch ${kind}`, sizes);
    beginWork(span);
    try {
      const asOf = cache.asOf();
      const answers = await inSpan(span, () => call([...asked, ...spare], all));
      for (const key of spare) {
        const answer = answers.get(key);
        if (answer !== undefined && !(answer instanceof Error)) cache.put(key, answer, asOf);
      }
      return answers;
    } finally {
      for (const stop of stopListening) stop();
    }
  }

  const loader = new DataLoader<Request, V>(load, {
    cache: false,
    maxBatchSize,
    batchScheduleFn: (dispatch) => void schedule(dispatch),
  });
  return {
    /** The value of `key`, from the next batch. */
    load(key: string, waiter: CallOptions): Promise<V> {
      arrived++;
      return loader.load({ key, waiter });
    },
    /** A client asked for `key`, or is likely to. */
    note(key: string): void {
      // A value that is never fresh is never worth renewing.
      if (renewMs <= 0) return;
      noted.set(key, clock.now());
      const [first] = noted.size > MAX_NOTED ? noted.keys() : [];
      if (first !== undefined) noted.delete(first);
    },
  };
}
