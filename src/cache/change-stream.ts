// The stream of changes that every replica appends to and follows: a Redis stream, or this process' own without Redis.
// Knows no follow words.
import { randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.ts';
import { parseJson } from '../json.ts';
import type { RedisLink } from './redis-link.ts';

export type StreamEntry<T> = { readonly id: string; readonly value: T };

export type ChangeStream<T> = ReturnType<typeof createChangeStream<T>>;

export type ChangeStreamOptions<T> = {
  /** Null: this process is alone. */
  redis: { link: Pick<RedisLink, 'ask' | 'keepConnected'> } | null;
  /** The key of the stream. */
  key: string;
  /** About this many entries are kept, in Redis and in memory. */
  maxLength: number;
  /** What an entry says, called once for each in their order; undefined passes it over. */
  read(value: unknown): T | undefined;
  clock: Clock;
};

/**
 * An id: `<ms>-<seq>` as Redis makes it, or `<ms>-<seq>.<n>` of an entry that only this process has heard, behind that
 * one. It holds nothing that a URL would have to escape.
 */
export const STREAM_ID = /^\d{1,15}-\d{1,15}(?:\.\d{1,15})?$/;

const FIRST_ID = '0-0';
/** How long Redis holds on to a question while nothing happens, in milliseconds. */
const WAIT_MS = 2000;
/** A connection that is silent for this much longer is dead. */
const SILENCE_MS = 1000;
const PAGE = 500;

export function createChangeStream<T>({ redis, key, maxLength, read, clock }: ChangeStreamOptions<T>) {
  const heard = new EventEmitter<{ entry: [StreamEntry<T>]; gap: [string] }>();
  /** The last entries as this process has heard them: nothing behind `floor` is missing. */
  const kept: StreamEntry<T>[] = [];
  // Alone, every process begins a stream of its own.
  let floor = redis ? FIRST_ID : `${clock.now()}-0`;
  const newest = () => kept.at(-1)?.id ?? floor;
  /** Ids of this process begin anywhere, so that another one's are not taken for them. */
  let local = randomInt(2 ** 40);
  /** The entry of the Redis stream that was read last. */
  let position = FIRST_ID;
  /** Whether Redis was away at the start: by now there are subscribers, who must not be told of the past. */
  let isLate = false;
  /** Whether other replicas lack entries that Redis did not take. */
  let hasUnshared = false;
  let reading: Promise<boolean> = Promise.resolve(true);

  const localId = () => `${newest().split('.', 1)[0]}.${++local}`;
  const indexOf = (id: string) => kept.findLastIndex((entry) => entry.id === id);

  /** Hands an entry over; without an id one that only this process hears. */
  function hear(said: unknown, sharedId?: string): string {
    const [id, value] = [sharedId ?? localId(), read(said)];
    if (value === undefined) return id;
    kept.push({ id, value });
    if (kept.length > maxLength) floor = kept.shift()?.id ?? floor;
    if (!isLate || sharedId === undefined) heard.emit('entry', { id, value });
    return id;
  }

  /** The entries up to now may be incomplete. */
  function noteGap(): void {
    floor = localId();
    kept.length = 0;
    heard.emit('gap', floor);
  }

  /**
   * Reads the Redis stream on. The range includes the last entry that was read: when that is gone, the stream was
   * emptied or has left this replica behind. False when Redis is away.
   */
  async function readOn(): Promise<boolean> {
    for (;;) {
      const found = await redis?.link.ask((client) => client.xrange(key, position, '+', 'COUNT', PAGE), key);
      if (!found) return false;
      const isThere = found[0]?.[0] === position;
      if (position !== FIRST_ID && !isThere) noteGap();
      if (!isThere) position = FIRST_ID;
      for (const [id, [name, text = '']] of isThere ? found.slice(1) : found) {
        position = id;
        if (name === 'gap') noteGap();
        else if (name === 'value') hear(parseJson(text), id);
      }
      if (found.length < PAGE) break;
    }
    if (isLate) noteGap();
    isLate = false;
    return true;
  }

  /** Reads on, one read after the other; not at all when `id` has been read meanwhile. */
  function catchUp(id?: string): Promise<boolean> {
    const next = () => (id !== undefined && indexOf(id) >= 0 ? true : readOn());
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

  const follow = (link: Pick<RedisLink, 'keepConnected'>) =>
    link.keepConnected(
      async (connection) => {
        for (;;) {
          const xread = connection.xread('COUNT', 1, 'BLOCK', WAIT_MS, 'STREAMS', key, position);
          const [{ status }] = await Promise.allSettled([xread]);
          // Also when it failed: a cluster's client learns by it which node has the stream now.
          const isUp = await catchUp();
          if (isUp) await shareGap();
          if (!isUp || status === 'rejected') throw new Error('Redis is away.');
        }
      },
      { key, blockingTimeout: WAIT_MS + SILENCE_MS },
    );

  return {
    /** Reads what the stream holds and begins to follow it. Resolves also when Redis is away. */
    async ready(): Promise<void> {
      if (!redis) return;
      isLate = !(await catchUp());
      void follow(redis.link);
    },
    /** Adds an entry; resolves with its id when it has been heard here. Never rejects. */
    async append(value: T): Promise<string> {
      if (!redis) return hear(value);
      await shareGap();
      const id = await add('value', JSON.stringify(value));
      if (!id) hasUnshared = true;
      // Without Redis subscribers of this replica are told all the same.
      return id && (await catchUp(id)) ? id : hear(value);
    },
    /** Tells of every entry, and up to which id some may have been lost. */
    listen(onEntry: (entry: StreamEntry<T>) => void, onGap: (id: string) => void = () => {}): void {
      heard.on('entry', onEntry).on('gap', onGap);
    },
    /**
     * What this process has heard behind an id, oldest first, and up to which one; another replica may be ahead of it.
     * Not `complete` when some may be missing. `entry` is the one with that id, where it is still kept.
     */
    since(id: string) {
      const index = indexOf(id);
      const complete = index >= 0 || id === floor;
      return { entry: kept[index], entries: complete ? kept.slice(index + 1) : [], complete, upTo: newest() };
    },
    /** Reads what other replicas have written. Resolves also when Redis is away. */
    catchUp: async () => redis && (await catchUp()),
  };
}
