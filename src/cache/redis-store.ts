// The Redis tier: what all replicas have cached of one kind of thing. The keys of a group stand in one slot of a cluster.
//
//   {prefix}:{kind}:{{group}}:{FORMAT}:{key}  an entry: `generation|readAt|version|body`
//   {prefix}:{kind}:{{group}}::generation     random text, replaced by each event that changes the group
//
// An entry counts only while its generation is the group's; a group without one has not changed for longer than entries
// live. Under our keys may lie anything: another type, other text. It counts as not there, and is written over; in the
// place of a generation any text will do.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { ABSENT_MS, type Entry, type MemoryStoreOptions, supersedes } from './memory-store.ts';
import type { RedisLink } from './redis-link.ts';
import type { CallOptions } from './single-flight.ts';

export type Lifetimes = {
  /** How long a value answers by itself, in milliseconds; 0 asks the source every time. */
  freshMs: number;
  /** The same while webhooks report every change. At least `freshMs`. */
  webhookFreshMs: number;
  /** How long it may be used while the source is asked, or cannot answer. At least `freshMs`. */
  staleMs: number;
  /** For how long after it was read a value may be found unchanged by something cheaper; left out: never. */
  validatedMs?: number;
};

/** `prefix` names the app, so that two apps in one Redis never mix. */
export type Redis = { link: RedisLink; prefix: string };

export type RedisStoreOptions<V> = Pick<MemoryStoreOptions<V>, 'groupOf'> & {
  /** Names the groups of this cache among those of others; a group of its own, which every change in it changes. */
  kind: string;
  clock: Clock;
  lifetimes: Lifetimes;
  /** How a value is written for Redis; null from `decode` when the text is not what `encode` writes. */
  encode(value: V): string;
  decode(text: string): V | null;
};

/** Longer than any read that was under way at an event, whose generation must outlive it. */
const LONGEST_READ_MS = 120_000;
/** A clock may be wrong by this much, in milliseconds; an entry that is further ahead is not believed. */
const CLOCK_SKEW_MS = 60_000;
/** What follows the generation. */
const ENTRY = /^(\d{1,15})\|(\d{0,15})\|(.*)$/s;
/**
 * How entries are written: a release that writes them otherwise counts on, so that replicas of two releases read none of
 * each other's. All else in Redis they share.
 */
const FORMAT = 5;
/** An entry's body for "there is no such thing". */
const NOTHING = '-';

export function createRedisStore<V>({ link, prefix }: Redis, options: RedisStoreOptions<V>) {
  const { kind, clock, groupOf = (key) => key, encode, decode } = options;
  const { staleMs, webhookFreshMs, validatedMs = 0 } = options.lifetimes;
  const usedMs = Math.max(staleMs, webhookFreshMs, validatedMs);
  // Braces would end the part of the key that tells its slot.
  const base = (group: string) => `${prefix}:${kind}:{${group.replaceAll('}', '%7D')}}`;
  const entryOf = (key: string) => `${base(groupOf(key))}:${FORMAT}:${key}`;
  const generationOf = (group: string) => `${base(group)}::generation`;

  /** Makes what is cached of the group invalid for all replicas; resolves with whether Redis has confirmed that. */
  async function invalidate(group: string): Promise<boolean> {
    const key = generationOf(group);
    const generation = randomUUID().replaceAll('-', '');
    const lifeMs = Math.max(usedMs, ABSENT_MS) + LONGEST_READ_MS;
    const isSet = link.ask((redis) => redis.set(key, generation, 'PX', lifeMs), key);
    const entry = entryOf(group);
    // Where the group is one key, its memory is freed.
    if (!options.groupOf) void link.ask((redis) => redis.unlink(entry), entry);
    return (await isSet) !== undefined;
  }

  /**
   * What is there, undefined without Redis; `generation` is to be stored with what is loaded now, empty when no event
   * changed the group lately.
   */
  async function read(key: string, spans?: CallOptions['spans']) {
    const keys = [generationOf(groupOf(key)), entryOf(key)] as const;
    const found = await link.ask((redis) => redis.mget(...keys), keys[0], { command: 'MGET', spans });
    if (!found) return undefined;
    const [generation, text] = [found[0] ?? '', found[1] ?? ''];
    if (!text.startsWith(`${generation}|`)) return { generation, entry: null };
    const [, readAt, version, body = ''] = ENTRY.exec(text.slice(generation.length + 1)) ?? [];
    const value = body === NOTHING ? null : decode(body);
    const counts = (value !== null || body === NOTHING) && Number(readAt) <= clock.now() + CLOCK_SKEW_MS;
    const entry: Entry<V> = { value, readAt: Number(readAt), version: version ? Number(version) : null };
    return { generation, entry: counts ? entry : null };
  }

  /**
   * Keeps an entry that was asked for after the generation had been read. It may take the place of one that was read later,
   * and counts for nothing then if the group has changed. Where the generation is not known (null) what is there is looked at.
   */
  async function write(key: string, generation: string | null, next: Entry<V>): Promise<void> {
    const { value, readAt, version } = next;
    const lifeMs = value === null ? ABSENT_MS : usedMs;
    if (lifeMs <= 0) return;
    // A reader that waits for the value has it before it is made text.
    await nextTurn();
    if (generation === null) {
      const found = await read(key);
      // A group that has a generation may have got it since the entry was asked for.
      if (found?.generation !== '' || (found.entry && !supersedes(next, found.entry))) return;
    }
    const body = value === null ? NOTHING : encode(value);
    const text = [generation ?? '', Math.round(readAt), version ?? '', body].join('|');
    const entry = entryOf(key);
    await link.ask((redis) => redis.set(entry, text, 'PX', lifeMs), entry);
  }

  return { read, write, invalidate };
}
