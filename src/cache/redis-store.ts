// The Redis tier: what all replicas have cached of one kind of thing. Every key stands with its companions in one slot.
//
//   {prefix}:{kind}:{{group}}:{key}           an entry
//   {prefix}:{kind}:{{group}}::lock:{key}     the generation in which a replica asks the source now, and which one
//   {prefix}:{kind}:{{group}}::generation     random text, replaced by each event that changes the group
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Entry } from './memory-store.ts';
import type { RedisLink } from './redis-link.ts';
import { CLOCK_SKEW_MS, NOTHING, READ, REMOVE, WRITE } from './redis-scripts.ts';

/** What is there; `generation` is to be stored with what is loaded now, empty when no event changed the group lately. */
export type SharedRead<V> = { generation: string; entry: Entry<V> | undefined; isGranted: boolean };

export type RedisStore<V> = ReturnType<typeof createRedisStore<V>>;

export type RedisStoreOptions<V> = {
  link: RedisLink;
  clock: Clock;
  /** Begins every key: names the format, the app and the kind. */
  prefix: string;
  groupOf: (key: string) => string;
  /** How long an entry may be used, in milliseconds. */
  staleMs: number;
  /** The same for "there is no such thing". */
  absentMs: number;
  encode(value: V): string;
  /** Null when the text is not what `encode` writes: then it counts as not there. */
  decode(text: string): V | null;
  /** Whether only one replica at a time may ask the source. */
  isLocking: boolean;
};

/** As long as a slow read takes: a lock ends with its read, this one only when its reader has died. */
const LOCK_MS = 3000;
/** Longer than any read that was under way at an event, whose generation must outlive it. */
const LONGEST_READ_MS = 120_000;
/** More invalidations than this are not made up for after an outage: what they concern goes out of date by itself. */
const MAX_PENDING = 10_000;

export function createRedisStore<V>(options: RedisStoreOptions<V>) {
  const { link, clock, prefix, groupOf, staleMs, absentMs, encode, decode, isLocking } = options;
  // Braces would end the part of the key that tells its slot.
  const base = (group: string) => `${prefix}:{${group.replaceAll('}', '%7D')}}`;
  const entryOf = (key: string) => `${base(groupOf(key))}:${key}`;
  // No key begins with a colon, so no entry can have a companion's name.
  const lockOf = (key: string) => `${base(groupOf(key))}::lock:${key}`;
  const generationOf = (group: string) => `${base(group)}::generation`;
  const keysOf = (key: string) => [generationOf(groupOf(key)), entryOf(key), lockOf(key)];
  const generationMs = Math.max(staleMs, absentMs) + LONGEST_READ_MS;
  const owner = randomUUID();
  /** Groups whose invalidation Redis has not confirmed. */
  const pending = new Map<string, Promise<boolean>>();

  async function isInvalidated(group: string): Promise<boolean> {
    const underWay = pending.get(group);
    return underWay === undefined || (await underWay) || invalidate(group);
  }

  /**
   * Makes what is cached of the group invalid for all replicas; resolves with whether that is so. Until it is, this
   * replica finds nothing of the group here, and tries again when it looks.
   */
  async function invalidate(group: string): Promise<boolean> {
    const generation = newGeneration();
    const attempt = link
      // Deleting frees memory, and works where writing does not.
      .ask(async (redis) => {
        const [written] = await Promise.allSettled([
          redis.set(generationOf(group), generation, 'PX', generationMs),
          redis.del(`${base(group)}:${group}`),
        ]);
        if (written.status === 'rejected') throw written.reason;
        return true;
      }, generationOf(group))
      .then((isDone = false) => {
        if (isDone && pending.get(group) === attempt) pending.delete(group);
        return isDone;
      });
    pending.set(group, attempt);
    const [oldest] = pending.keys();
    if (pending.size > MAX_PENDING && oldest !== undefined) pending.delete(oldest);
    return attempt;
  }

  /** Reads what `WRITE` wrote. Anything else under our key counts as nothing, and is removed. */
  function readEntry(key: string, text: string): Entry<V> | undefined {
    const entry = parseEntry(text, decode);
    if (entry && entry.readAt <= clock.now() + CLOCK_SKEW_MS) return entry;
    void link.run(REMOVE, [entryOf(key)], [text]);
    return undefined;
  }

  /**
   * What is there, and leave to ask the source when it was not read after `newerThan` and no other replica asks; undefined
   * without Redis.
   */
  async function read(key: string, newerThan: number): Promise<SharedRead<V> | undefined> {
    if (pending.size > 0 && !(await isInvalidated(groupOf(key)))) return undefined;
    const newer = Math.min(Math.ceil(newerThan), Number.MAX_SAFE_INTEGER);
    const args = [newer, owner, isLocking ? LOCK_MS : 0, newGeneration(), generationMs];
    const answer = await link.run(READ, keysOf(key), args);
    if (!Array.isArray(answer)) return undefined;
    const [generation, text, granted] = answer as [string, string, number];
    const entry = text === '' ? undefined : readEntry(key, text);
    // What cannot be read is not what a replica waits for.
    if (text !== '' && !entry && granted === 0 && newer < Number.MAX_SAFE_INTEGER)
      return read(key, Number.MAX_SAFE_INTEGER);
    return { generation, entry, isGranted: granted === 1 };
  }

  /** Gives leave back without an entry, so that another replica can try at once. */
  function unlock(key: string, generation: string): void {
    if (isLocking) void link.run(REMOVE, [lockOf(key)], [`${generation} ${owner}`]);
  }

  /** Keeps an entry that was asked for after the generation had been read, unless what is there is newer. */
  async function write(key: string, generation: string, { value, readAt, version }: Entry<V>): Promise<unknown> {
    const lifeMs = value === null ? absentMs : staleMs;
    if (lifeMs <= 0) return unlock(key, generation);
    // A reader that waits for the value has it before it is made text.
    await nextTurn();
    const body = value === null ? NOTHING : encode(value);
    return link.run(WRITE, keysOf(key), [generation, Math.round(readAt), version ?? '', body, lifeMs, owner]);
  }

  return { read, unlock, write, invalidate };
}

const newGeneration = () => randomUUID().replaceAll('-', '');

function parseEntry<V>(text: string, decode: (text: string) => V | null): Entry<V> | undefined {
  const head = /^\w*\|(\d{1,15})\|(\d{0,15})\|/.exec(text);
  if (!head) return undefined;
  const [matched, readAt, version] = head;
  const body = text.slice(matched.length);
  const value = body === NOTHING ? null : decode(body);
  if (value === null && body !== NOTHING) return undefined;
  return { value, readAt: Number(readAt), version: version ? Number(version) : null };
}
