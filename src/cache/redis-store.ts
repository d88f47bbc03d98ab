// The Redis tier: what all replicas have cached of one kind of thing. The keys of a group stand in one slot of a cluster.
//
//   {prefix}:{kind}:{{group}}:{FORMAT}:{key}                an entry: `generation|readAt|version|body`
//   {prefix}:{kind}:{{group}}:{FORMAT}::{generation}:{key}  a lock: a replica asks the source now
//   {prefix}:{kind}:{{group}}::generation                   random text, replaced by each event that changes the group
//
// An entry counts only while its generation is the group's; a group without one has not changed for longer than entries
// live. Under our keys may lie anything: another type, other text. It counts as not there, and is written over.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { ABSENT_MS, type Entry, type MemoryStoreOptions } from './memory-store.ts';
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

/** As long as a slow read takes: a lock ends with its read, this one only when its reader has died. */
const LOCK_MS = 3000;
/** For so long a lock outlives its read: a replica that saw no entry a moment ago has to look again, and finds it. */
const LOOK_AGAIN_MS = 500;
/** Longer than any read that was under way at an event, whose generation must outlive it. */
const LONGEST_READ_MS = 120_000;
/** A clock may be wrong by this much, in milliseconds; an entry that is further ahead is not believed. */
const CLOCK_SKEW_MS = 60_000;
const ENTRY = /^\w*\|(\d{1,15})\|(\d{0,15})\|(.*)$/s;
/**
 * How entries are written: a release that writes them otherwise counts on, so that replicas of two releases read none of
 * each other's. All else in Redis they share.
 */
const FORMAT = 5;
/** An entry's body for "there is no such thing". */
const NOTHING = '-';

/**
 * KEYS generation, entry, lock; ARGV generation, readAt, version or '', body, life. Keeps the entry unless its group has
 * changed since, or what is there is newer; a version that the read did not bring is that of what it follows.
 */
const WRITE = `
  local function text(key)
    local found = redis.pcall('GET', key)
    return type(found) == 'string' and found or ''
  end
  redis.call('PEXPIRE', KEYS[3], ${LOOK_AGAIN_MS})
  if text(KEYS[1]) ~= ARGV[1] then return 0 end
  local version = ARGV[3]
  local readAt, known = string.match(text(KEYS[2]), '^' .. ARGV[1] .. '|(%d+)|(%d*)|')
  if readAt and tonumber(readAt) <= tonumber(ARGV[2]) + ${CLOCK_SKEW_MS} then
    if version ~= '' and known ~= '' and version ~= known then
      if tonumber(version) < tonumber(known) then return 0 end
    elseif tonumber(ARGV[2]) < tonumber(readAt) then
      return 0
    end
    if version == '' and ARGV[4] ~= '${NOTHING}' then version = known end
  end
  redis.call('SET', KEYS[2], ARGV[1] .. '|' .. ARGV[2] .. '|' .. version .. '|' .. ARGV[4], 'PX', ARGV[5])
  return 1
`;

export function createRedisStore<V>({ link, prefix }: Redis, options: RedisStoreOptions<V>) {
  const { kind, clock, groupOf = (key) => key, encode, decode } = options;
  const { staleMs, webhookFreshMs, validatedMs = 0 } = options.lifetimes;
  const usedMs = Math.max(staleMs, webhookFreshMs, validatedMs);
  // Braces would end the part of the key that tells its slot.
  const base = (group: string) => `${prefix}:${kind}:{${group.replaceAll('}', '%7D')}}`;
  const entryOf = (key: string) => `${base(groupOf(key))}:${FORMAT}:${key}`;
  // No key begins with a colon, so no entry can have a lock's name.
  const lockOf = (key: string, generation: string) => `${base(groupOf(key))}:${FORMAT}::${generation}:${key}`;
  const generationOf = (group: string) => `${base(group)}::generation`;
  const remove = (key: string) => link.ask((redis) => redis.unlink(key), key);

  /** Makes what is cached of the group invalid for all replicas; resolves with whether Redis has confirmed that. */
  async function invalidate(group: string): Promise<boolean> {
    const key = generationOf(group);
    const generation = randomUUID().replaceAll('-', '');
    const lifeMs = Math.max(usedMs, ABSENT_MS) + LONGEST_READ_MS;
    const isSet = link.ask((redis) => redis.set(key, generation, 'PX', lifeMs), key);
    // Deleting frees memory.
    const [answer] = await Promise.all([isSet, remove(entryOf(group))]);
    return answer !== undefined;
  }

  /**
   * What is there, undefined without Redis; `generation` is to be stored with what is loaded now, empty when no event
   * changed the group lately.
   */
  async function read(
    key: string,
    spans?: CallOptions['spans'],
  ): Promise<{ generation: string; entry?: Entry<V> } | undefined> {
    const group = groupOf(key);
    const keys = [generationOf(group), entryOf(key)] as const;
    const found = await link.ask((redis) => redis.mget(...keys), keys[0], { command: 'MGET', spans });
    if (!found) return undefined;
    const [generation, text] = [found[0] ?? '', found[1] ?? ''];
    if (!/^\w*$/.test(generation)) return (await invalidate(group)) ? read(key, spans) : undefined;
    if (!text.startsWith(`${generation}|`)) return { generation };
    const [, readAt, version, body = ''] = ENTRY.exec(text) ?? [];
    const value = body === NOTHING ? null : decode(body);
    if ((value !== null || body === NOTHING) && Number(readAt) <= clock.now() + CLOCK_SKEW_MS)
      return { generation, entry: { value, readAt: Number(readAt), version: version ? Number(version) : null } };
    // An entry that cannot be read may claim to be newer than the one that is written next.
    void remove(keys[1]);
    return { generation };
  }

  /** Takes the lock, with which one replica at a time asks the source. Without an answer from Redis no replica waits. */
  async function lock(key: string, generation: string, spans?: CallOptions['spans']): Promise<boolean> {
    const name = lockOf(key, generation);
    const traced = { command: 'SET', spans };
    return (await link.ask((redis) => redis.set(name, '', 'PX', LOCK_MS, 'NX'), name, traced)) !== null;
  }

  /** Frees the lock without an entry, so that another replica can try at once. */
  const unlock = (key: string, generation: string) => void remove(lockOf(key, generation));

  /** Keeps an entry that was asked for after the generation had been read, unless what is there is newer. */
  async function write(key: string, generation: string, { value, readAt, version }: Entry<V>): Promise<unknown> {
    const lifeMs = value === null ? ABSENT_MS : usedMs;
    if (lifeMs <= 0) return unlock(key, generation);
    // A reader that waits for the value has it before it is made text.
    await nextTurn();
    const body = value === null ? NOTHING : encode(value);
    const keys = [generationOf(groupOf(key)), entryOf(key), lockOf(key, generation)];
    return link.run(WRITE, keys, [generation, Math.round(readAt), version ?? '', body, lifeMs]);
  }

  return { read, lock, unlock, write, invalidate };
}
