// How the domain's values are written for Redis and read back. What does not have the right shape counts as not there.
import {
  type FollowCounts,
  type FollowEntry,
  type FollowPage,
  type FollowRelation,
  type Profile,
  UNSET_PROFILE,
} from './model.ts';

const RELATIONS: readonly string[] = ['NONE', 'FAN', 'FOLLOWING', 'MUTUAL'] satisfies FollowRelation[];

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape = (checks: Record<string, Check>): Check => {
  const fields = Object.entries(checks);
  return (value) => {
    return isRecord(value) && fields.every(([field, check]) => check(value[field]));
  };
};

const PROFILE: Record<keyof Profile, Check> = {
  nick: orNull(isText),
  avatar: orNull(isText),
  gender: orNull(isText),
  birthday: orNull(isText),
  location: orNull(isText),
  selfSignature: orNull(isText),
  language: orNull(isNumber),
  level: orNull(isNumber),
  role: orNull(isNumber),
  allowType: orNull(isText),
  adminForbidType: orNull(isText),
  messageSettings: orNull(isNumber),
  customFields: listOf(shape({ key: isText, value: isText })),
  items: listOf(shape({ tag: isText, value: (value) => isText(value) || isNumber(value) })),
  version: orNull(isNumber),
  whole: (value) => typeof value === 'boolean',
};
const COUNTS: Record<keyof FollowCounts, Check> = { fans: isCount, follows: isCount, mutuals: isCount };

const isProfile = shape(PROFILE);
const isEntry = shape({ user: shape({ id: isText, profile: orNull(isProfile) }), followedAt: isCount } satisfies Record<
  keyof FollowEntry,
  Check
>);
const isPage = shape({ entries: listOf(isEntry), next: isText } satisfies Record<keyof FollowPage, Check>);

/** How values of a kind are written as text, read back (null when the text is not one of them), and sized in bytes. */
export type Codec<V> = { encode(value: V): string; decode(text: string): V | null; sizeOf(value: V): number };

// What a profile has not set is not written.
const packProfile = (profile: Profile): unknown =>
  Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== null));
const unpackProfile = (packed: unknown): unknown => (isRecord(packed) ? { ...UNSET_PROFILE, ...packed } : packed);

const packPage = ({ entries, next }: FollowPage): unknown => ({
  entries: entries.map(({ user: { id, profile }, followedAt }) => ({
    user: { id, profile: profile && packProfile(profile) },
    followedAt,
  })),
  next,
});

function unpackPage(packed: unknown): unknown {
  if (!isRecord(packed) || !Array.isArray(packed.entries)) return packed;
  for (const entry of packed.entries) if (isRecord(entry?.user)) entry.user.profile = unpackProfile(entry.user.profile);
  return packed;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const asItIs = (value: unknown): unknown => value;

function jsonCodec<V>(
  check: Check,
  sizeOf: (value: V) => number,
  pack: (value: V) => unknown = asItIs,
  unpack: (packed: unknown) => unknown = asItIs,
): Codec<V> {
  return {
    sizeOf,
    encode: (value) => JSON.stringify(pack(value)),
    decode(text) {
      try {
        const value = unpack(JSON.parse(text));
        return check(value) ? (value as V) : null;
      } catch {
        return null;
      }
    },
  };
}

// Measured on Node 24; `test/cache/memory.test.ts` holds them against the heap.
const OBJECT_BYTES = 60;
const PROFILE_BYTES = 300;
const ENTRY_BYTES = 120;
// One character that Latin 1 does not have makes all of its text twice as wide.
const textBytes = (text: string | null) => (text === null ? 0 : 24 + (/[^\0-\xff]/.test(text) ? 2 : 1) * text.length);

function profileBytes(profile: Profile): number {
  let bytes = PROFILE_BYTES;
  for (const text of [profile.nick, profile.avatar, profile.selfSignature, profile.location]) bytes += textBytes(text);
  for (const { value } of profile.items) bytes += OBJECT_BYTES + (typeof value === 'string' ? textBytes(value) : 8);
  for (const { key, value } of profile.customFields) bytes += OBJECT_BYTES + textBytes(key) + textBytes(value);
  return bytes;
}

function pageBytes({ entries, next }: FollowPage): number {
  let bytes = 200 + textBytes(next);
  for (const { user } of entries)
    bytes += ENTRY_BYTES + textBytes(user.id) + (user.profile ? profileBytes(user.profile) : 0);
  return bytes;
}

export const profile = jsonCodec<Profile>(isProfile, profileBytes, packProfile, unpackProfile);
export const counts = jsonCodec<FollowCounts>(shape(COUNTS), () => OBJECT_BYTES);
export const relation = jsonCodec<FollowRelation>(
  (value) => RELATIONS.includes(value as string),
  () => 16,
);
export const page = jsonCodec<FollowPage>(isPage, pageBytes, packPage, unpackPage);
