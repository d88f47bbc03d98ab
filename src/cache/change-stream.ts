// The stream of changes that every replica appends to and follows: a Redis stream, or a ring in memory without Redis.
// Knows no follow words.
import type { Clock } from '../clock.ts';
import { createChangeRing, type StreamEntry } from './change-ring.ts';
import type { RedisClient, RedisLink } from './redis-link.ts';

export type ChangeStream<T> = ReturnType<typeof createChangeStream<T>>;

type Listener<T> = {
  onEntry(entry: StreamEntry<T>): void;
  /** Entries up to this id may have been lost. */
  onGap(id: string): void;
};

export type ChangeStreamOptions<T> = {
  /** Null: this process is alone. `client` is duplicated for the reads that wait. */
  redis: { link: Pick<RedisLink, 'ask'>; client: RedisClient } | null;
  /** The key of the stream. */
  key: string;
  /** About this many entries are kept, in Redis and in memory. */
  maxLength: number;
  /** What an entry says, called once for each in their order; undefined passes it over. */
  read(value: unknown): T | undefined;
  clock: Clock;
};

const FIRST_ID = '0-0';
/** How long Redis holds on to a question while nothing happens, in milliseconds. */
const WAIT_MS = 2000;
/** A connection that is silent for this much longer is dead. */
const SILENCE_MS = 1000;
/** The pause before Redis is asked again after a failure. */
const PAUSE_MS = 500;
const PAGE = 500;

export function createChangeStream<T>(options: ChangeStreamOptions<T>) {
  const { redis, key, maxLength, read, clock } = options;
  const listeners = new Set<Listener<T>>();
  const closed = new AbortController();
  // Alone, every process begins a stream of its own.
  const ring = createChangeRing<T>({ start: redis ? FIRST_ID : `${clock.now()}-0`, maxLength });
  /** The entry of the Redis stream that was read last, and whether it should still be there. */
  let position = FIRST_ID;
  let isAnchored = false;
  /** Whether Redis was away at the start. */
  let isLate = false;
  /** Whether other replicas lack entries that Redis did not take. */
  let hasUnshared = false;
  let reading: Promise<boolean> = Promise.resolve(true);

  /** Hands an entry over; with id null one that only this process hears. */
  function hear(id: string | null, said: unknown): string {
    const value = read(said);
    if (value === undefined) return id ?? FIRST_ID;
    const entry = ring.add(id, value);
    for (const { onEntry } of [...listeners]) onEntry(entry);
    return entry.id;
  }

  function noteGap(): void {
    const id = ring.noteGap();
    for (const { onGap } of [...listeners]) onGap(id);
  }

  function take(id: string, fields: readonly string[]): void {
    position = id;
    isAnchored = true;
    if (fields[0] === 'gap') noteGap();
    else hear(id, fields[0] === 'value' ? parse(fields[1] ?? '') : undefined);
  }

  /**
   * Reads the Redis stream on. The range includes the last entry that was read: when that is gone, the stream was
   * emptied or has left this replica behind. False when Redis is away.
   */
  async function readOn(): Promise<boolean> {
    if (isLate && !(await skipToEnd())) return false;
    for (;;) {
      const from = isAnchored ? position : `(${position}`;
      const found = await redis?.link.ask((client) => client.xrange(key, from, '+', 'COUNT', PAGE), key);
      if (!found) return false;
      if (isAnchored && found[0]?.[0] !== position) {
        isAnchored = false;
        noteGap();
        continue;
      }
      for (const [id, fields] of isAnchored ? found.slice(1) : found) take(id, fields);
      if (found.length < PAGE) return true;
    }
  }

  /** Where Redis was away at the start, there are subscribers by now for whom the past is no news. */
  async function skipToEnd(): Promise<boolean> {
    const last = await redis?.link.ask((client) => client.xrevrange(key, '+', '-', 'COUNT', 1), key);
    if (!last) return false;
    isLate = false;
    isAnchored = last.length > 0;
    position = last[0]?.[0] ?? FIRST_ID;
    noteGap();
    return true;
  }

  /** Reads on, one read after the other; not at all when `id` has been read meanwhile. */
  function catchUp(id?: string): Promise<boolean> {
    const next = () => (id !== undefined && ring.has(id) ? true : readOn());
    // A failure is the business of the caller that it met.
    reading = reading.then(next, next);
    return reading;
  }

  const add = (name: 'value' | 'gap', text: string) =>
    redis?.link.ask((client) => client.xadd(key, 'MAXLEN', '~', maxLength, '*', name, text), key);

  /** Tells the other replicas that they lack something, as soon as Redis takes it. */
  async function shareGap(): Promise<void> {
    if (hasUnshared && (await add('gap', ''))) hasUnshared = false;
  }

  async function follow(client: RedisClient): Promise<void> {
    const options = { enableAutoPipelining: false, blockingTimeout: WAIT_MS + SILENCE_MS };
    const connection = 'nodes' in client ? client.duplicate([], { redisOptions: options }) : client.duplicate(options);
    // What ends a connection shows in the commands that fail.
    connection.on('error', () => {});
    closed.signal.addEventListener('abort', () => connection.disconnect());
    while (!closed.signal.aborted) {
      try {
        if (connection.status === 'wait') await connection.connect();
        await connection.xread('COUNT', 1, 'BLOCK', WAIT_MS, 'STREAMS', key, position);
        if (await catchUp()) {
          await shareGap();
          continue;
        }
      } catch {
        if (connection.status === 'ready') connection.disconnect(true);
      }
      await clock.sleep(PAUSE_MS, closed.signal).catch(() => {});
    }
  }

  return {
    /** Reads what the stream holds and begins to follow it. Resolves also when Redis is away. */
    async ready(): Promise<void> {
      if (!redis) return;
      isLate = !(await catchUp());
      void follow(redis.client);
    },
    /** Adds an entry; resolves with its id when it has been heard here. Never rejects. */
    async append(value: T): Promise<string> {
      if (!redis) return hear(null, value);
      await shareGap();
      const id = await add('value', JSON.stringify(value));
      if (!id) hasUnshared = true;
      // Without Redis subscribers of this replica are told all the same.
      return id && (await catchUp(id)) ? id : hear(null, value);
    },
    /** Returns the way to stop. */
    listen(onEntry: Listener<T>['onEntry'], onGap: Listener<T>['onGap'] = () => {}): () => void {
      const listener = { onEntry, onGap };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** What this process has heard behind an id; another replica may be ahead of it. */
    since: ring.since,
    /** Reads what other replicas have written. Resolves also when Redis is away. */
    catchUp: async () => redis && (await catchUp()),
    close: () => closed.abort(),
  };
}

/** Undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
