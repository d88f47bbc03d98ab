// The Redis tier: what all replicas remember of one kind of thing. Every key stands with its companions in one slot.
//
//   {prefix}:{kind}:{{group}}:{key}            the entry, as text: readAt|ticket|version|body
//   {prefix}:{kind}:{{group}}:{key}:lease      who reads it from the source just now: ticket and replica
//   {prefix}:{kind}:{{group}}:forgotten        when the group was last forgotten, in microseconds of Redis' clock
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Entry } from './entry.ts';
import type { RedisLink } from './redis-link.ts';
import { CLOCK_DIFFERENCE_MS, DISCARD, FORGET, KEEP, NOTHING, RELEASE, TURN } from './redis-scripts.ts';

/** An answer to who wants to read a key from its source. */
export type Turn<V> = {
  /** Now on Redis' clock, in microseconds. */
  ticket: number;
  /** False while another replica reads it: its answer is worth waiting for. */
  granted: boolean;
  /** What another replica has brought meanwhile. */
  entry?: Entry<V>;
};

export type RedisTier<V> = {
  get(key: string): Promise<Entry<V> | undefined>;
  /** Asks for leave to read `key`, or for an entry that was read after `knownAt`; `alone`: unless others read it. */
  turn(key: string, knownAt: number, alone: boolean): Promise<Turn<V> | undefined>;
  /** Gives leave back without an entry, so that another replica can try at once. */
  release(key: string, ticket: number | null): void;
  /** Keeps `entry` unless what is there is newer or its read began before the group was forgotten; gives leave back. */
  set(key: string, entry: Entry<V>): Promise<void>;
  /**
   * Makes what is remembered of the group unfindable for all replicas; resolves with whether that is so. Until it is,
   * this replica finds nothing of the group here, and goes on trying.
   */
  forget(group: string): Promise<boolean>;
};

export type RedisTierOptions<V> = {
  link: RedisLink;
  clock: Clock;
  /** Begins every key: names the format, the app and the kind. */
  prefix: string;
  groupOf: (key: string) => string;
  /** How long an entry may be used, in milliseconds. */
  usableMs: number;
  /** The same for "there is no such thing". */
  absentMs: number;
  encode(value: V): string;
  /** Null when the text is not what `encode` writes: then it counts as not there. */
  decode(text: string): V | null;
  /** Names this process among the replicas. */
  replica: string;
};

/** As long as a slow read takes: a lease ends with its read, this one only when its reader has died. */
const LEASE_MS = 3000;
/** Longer than any read that was under way at a forget, which the mark must outlive. */
const LONGEST_READ_MS = 120_000;
/** How often a forget that Redis refused is tried again, in milliseconds. */
const RETRY_MS = 5000;
/** More forgets than this are not made up for after an outage: what they concern goes out of date by itself. */
const MOST_OWED = 100_000;
const PAID_AT_ONCE = 1000;
/** Text of more characters than this takes a turn of the event loop for itself. */
const LONG_TEXT = 100_000;

export function createRedisTier<V>(options: RedisTierOptions<V>): RedisTier<V> {
  const { link, clock, prefix, groupOf, usableMs, absentMs, encode, decode, replica } = options;
  // Braces would end the part of the key that tells its slot.
  const base = (group: string) => `${prefix}:{${group.replaceAll('}', '%7D')}}`;
  const entryOf = (key: string) => `${base(groupOf(key))}:${key}`;
  // No key begins with a colon, so no entry can have a companion's name, whatever it is called.
  const leaseOf = (key: string) => `${base(groupOf(key))}::lease:${key}`;
  const markOf = (group: string) => `${base(group)}::forgotten`;
  const keysOf = (key: string) => [entryOf(key), markOf(groupOf(key)), leaseOf(key)];
  const markMs = Math.max(usableMs, absentMs) + LONGEST_READ_MS;

  /** Groups whose forgetting Redis has not confirmed, each with the number of its last mark. */
  const owed = new Map<string, number>();
  let marks = 0;
  let triedAt = 0;
  link.whenBack(() => void payOff());

  /** Marks the group in Redis; it is owed until that is confirmed. */
  async function mark(group: string): Promise<boolean> {
    const number = ++marks;
    owed.set(group, number);
    const isMarked = (await link.run(FORGET, [markOf(group), `${base(group)}:${group}`], [markMs])) !== undefined;
    // One that has been forgotten again meanwhile is still owed: what was read in between must not be found either.
    if (isMarked && owed.get(group) === number) owed.delete(group);
    return isMarked;
  }

  /** Goes on, some at a time, for as long as Redis takes them. */
  async function payOff(): Promise<void> {
    triedAt = clock.now();
    const some = Array.from(owed.keys()).slice(0, PAID_AT_ONCE);
    const paid = await Promise.all(some.map(mark));
    if (owed.size > 0 && paid.every(Boolean)) await payOff();
  }

  function isOwed(key: string): boolean {
    if (owed.size > 0 && clock.now() - triedAt >= RETRY_MS) void payOff();
    return owed.has(groupOf(key));
  }

  /** Reads what `KEEP` wrote. Whatever else lies under our key counts as nothing, and goes. */
  async function read(key: string, text: string): Promise<Entry<V> | undefined> {
    const isLong = text.length > LONG_TEXT;
    if (isLong) await nextTurn();
    const entry = parseEntry(text, decode);
    if (isLong) await nextTurn();
    if (!entry) void link.run(DISCARD, [entryOf(key)], [text]);
    else if (entry.readAt <= clock.now() + CLOCK_DIFFERENCE_MS) return entry;
    return undefined;
  }

  const tier: RedisTier<V> = {
    async get(key) {
      if (isOwed(key)) return undefined;
      const found = await link.ask((redis) => redis.mget(entryOf(key), markOf(groupOf(key))), entryOf(key));
      const [text, forgotten] = found ?? [];
      if (!text || isOwed(key)) return undefined;
      const entry = await read(key, text);
      return !entry || Number(forgotten) >= (entry.ticket ?? 0) ? undefined : since(forgotten, entry);
    },

    async turn(key, knownAt, alone) {
      const after = isOwed(key) ? Number.MAX_SAFE_INTEGER : Math.ceil(knownAt);
      const args = [after, replica, alone ? LEASE_MS : 0];
      const giveBack = (late: unknown) => tier.release(key, readTurn(late)?.ticket ?? null);
      const turn = readTurn(await link.run(TURN, keysOf(key), args, undefined, giveBack));
      if (!turn || turn.text === undefined) return turn;
      const entry = isOwed(key) ? undefined : await read(key, turn.text);
      return entry ? { ...turn, entry: since(turn.forgotten, entry) } : tier.turn(key, Number.MAX_SAFE_INTEGER, alone);
    },

    release(key, ticket) {
      if (ticket !== null) void link.run(RELEASE, [leaseOf(key)], [ticket, replica]);
    },

    async set(key, { value, readAt, ticket, version }) {
      if (ticket === null) return;
      const lifeMs = value === null ? absentMs : usableMs;
      if (lifeMs <= 0) return tier.release(key, ticket);
      // Whoever waits for the value has it before it is made text.
      await nextTurn();
      const body = value === null ? NOTHING : encode(value);
      await link.run(KEEP, keysOf(key), [
        Math.round(readAt),
        ticket,
        version ?? '',
        body,
        lifeMs,
        replica,
        Math.round(clock.now()),
      ]);
    },

    async forget(group) {
      for (const oldest of owed.keys()) {
        if (owed.size < MOST_OWED) break;
        owed.delete(oldest);
      }
      if (owed.size === 0) triedAt = clock.now();
      return mark(group);
    },
  };
  return tier;
}

type Answer = { ticket: number; granted: boolean; text?: string; forgotten?: string };

function readTurn(answer: unknown): Answer | undefined {
  if (!Array.isArray(answer)) return undefined;
  const [ticket, granted, text, forgotten] = answer as [string, number, string?, string?];
  return { ticket: Number(ticket), granted: granted === 1, text, forgotten };
}

/** The entry with how soon after its group's last forgetting it was read: both moments are on Redis' clock. */
function since<V>(forgotten: string | null | undefined, entry: Entry<V>): Entry<V> {
  const micros = (entry.ticket ?? 0) - Number(forgotten ?? 0);
  return forgotten && Number.isFinite(micros) ? { ...entry, sinceForgotten: micros / 1000 } : entry;
}

function parseEntry<V>(text: string, decode: (text: string) => V | null): Entry<V> | undefined {
  const head = /^(\d{1,15})\|(\d{1,17})\|(\d{0,15})\|/.exec(text);
  if (!head) return undefined;
  const [matched, readAt, ticket, version] = head;
  const body = text.slice(matched.length);
  const value = body === NOTHING ? null : decode(body);
  if (value === null && body !== NOTHING) return undefined;
  return { value, readAt: Number(readAt), ticket: Number(ticket), version: version ? Number(version) : null };
}
