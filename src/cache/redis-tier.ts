// The Redis tier: what all replicas remember of one kind of thing. Every key stands with its companions in one slot.
//
//   {prefix}:{kind}:{{group}}:{rest}            the entry, as text: readAt|ticket|version|value
//   {prefix}:{kind}:{{group}}:{rest}:lease      who reads it from the source just now
//   {prefix}:{kind}:{{group}}:forgotten         when the group was last forgotten, in microseconds of Redis' clock
//
// An entry counts only if its read began after the group was last forgotten, so a read that was under way cannot bring
// an old value back, whoever writes it and whenever.
import type { Entry } from './entry.ts';
import { defineScript, type RedisLink } from './redis-link.ts';

/** Leave to read a key from its source. */
export type Lease = {
  /** False while another replica reads it: its answer is worth waiting for. */
  granted: boolean;
  /** When the lease was asked for on Redis' clock, in microseconds. */
  ticket: number;
};

export type RedisTier<V> = {
  get(key: string): Promise<Entry<V> | undefined>;
  lease(key: string): Promise<Lease | undefined>;
  /** Ends a lease without an entry, so that another replica can try at once. */
  release(key: string): void;
  /** Keeps `entry` unless what is there is newer or its read began before the group was forgotten; ends the lease. */
  set(key: string, entry: Entry<V>): Promise<void>;
  /** Resolves when no replica can find what was remembered of the group. */
  forget(group: string): Promise<void>;
};

export type RedisTierOptions<V> = {
  link: RedisLink;
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

/** Longer than any read takes: its lease ends when it is answered, this one only when its reader has died. */
const LEASE_MS = 3000;
/** Reads that were under way at a forget have ended by then; entries from before it are told by their tickets. */
const NOTHING = '-';

const LEASE = defineScript(`
  local time = redis.call('TIME')
  local granted = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
  return { granted and 1 or 0, time[1], time[2] }
`);

const RELEASE = defineScript(`
  if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

// A key of another type, or text that is not ours, is in nobody's way: it is replaced.
const SET = defineScript(`
  local forgotten = redis.pcall('GET', KEYS[2])
  local ticket = tonumber(ARGV[2])
  if redis.call('GET', KEYS[3]) == ARGV[6] then redis.call('DEL', KEYS[3]) end
  if type(forgotten) == 'string' and tonumber(forgotten) >= ticket then return 0 end
  local known = redis.pcall('GET', KEYS[1])
  local version = ARGV[3]
  if type(known) == 'string' then
    local readAt, knownTicket, knownVersion = string.match(known, '^(%d+)|(%d+)|(%-?%d*)|')
    if readAt and not (type(forgotten) == 'string' and tonumber(forgotten) >= tonumber(knownTicket)) then
      if version ~= '' and knownVersion ~= '' and version ~= knownVersion then
        if tonumber(version) < tonumber(knownVersion) then return 0 end
      elseif tonumber(ARGV[1]) < tonumber(readAt) then
        return 0
      end
      if version == '' and ARGV[4] ~= '${NOTHING}' then version = knownVersion end
    end
  elseif known then
    redis.call('DEL', KEYS[1])
  end
  redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2] .. '|' .. version .. '|' .. ARGV[4], 'PX', ARGV[5])
  return 1
`);

const FORGET = defineScript(`
  local time = redis.call('TIME')
  local micros = time[1] .. string.format('%06d', time[2])
  redis.call('SET', KEYS[1], micros, 'PX', ARGV[1])
  return micros
`);

export function createRedisTier<V>(options: RedisTierOptions<V>): RedisTier<V> {
  const { link, prefix, groupOf, usableMs, absentMs, encode, decode, replica } = options;
  const base = (group: string) => `${prefix}:{${group}}`;
  const entryOf = (key: string) => `${base(groupOf(key))}:${key}`;
  const leaseOf = (key: string) => `${entryOf(key)}:lease`;
  const forgottenOf = (group: string) => `${base(group)}:forgotten`;

  return {
    async get(key) {
      const found = await link.ask((redis) => redis.mget(entryOf(key), forgottenOf(groupOf(key))));
      const [text, forgotten] = found ?? [];
      if (!text) return undefined;
      const entry = readEntry(text, decode);
      return entry?.ticket != null && forgotten && Number(forgotten) >= entry.ticket ? undefined : entry;
    },

    async lease(key) {
      const answer = await link.run(LEASE, [leaseOf(key)], [replica, LEASE_MS]);
      if (!Array.isArray(answer)) return undefined;
      const [granted, seconds, micros] = answer.map(Number) as [number, number, number];
      return { granted: granted === 1, ticket: seconds * 1_000_000 + micros };
    },

    release(key) {
      void link.run(RELEASE, [leaseOf(key)], [replica]);
    },

    async set(key, entry) {
      if (entry.ticket === null) return;
      const { value, readAt, ticket, version } = entry;
      const keys = [entryOf(key), forgottenOf(groupOf(key)), leaseOf(key)];
      const text = value === null ? NOTHING : encode(value);
      await link.run(SET, keys, [
        Math.round(readAt),
        ticket,
        version ?? '',
        text,
        value === null ? absentMs : usableMs,
        replica,
      ]);
    },

    async forget(group) {
      await link.run(FORGET, [forgottenOf(group)], [usableMs + LEASE_MS]);
    },
  };
}

/** Reads what `SET` wrote. Whatever else lies under our key counts as nothing. */
function readEntry<V>(text: string, decode: (text: string) => V | null): Entry<V> | undefined {
  const head = /^(\d{1,15})\|(\d{1,17})\|(-?\d{0,15})\|/.exec(text);
  if (!head) return undefined;
  const [matched, readAt, ticket, version] = head;
  const body = text.slice(matched.length);
  const value = body === NOTHING ? null : decode(body);
  if (value === null && body !== NOTHING) return undefined;
  return { value, readAt: Number(readAt), ticket: Number(ticket), version: version ? Number(version) : null };
}
