// How the domain's values are written for Redis and read back. What does not have the right shape counts as not there.
//
// Profiles and pages are lists without names, and the tags of all profiles of a page stand before them, each once: that
// leaves less than half to write, to send, to keep and to read.
import type {
  AdminForbidType,
  AllowType,
  FollowCounts,
  FollowEntry,
  FollowPage,
  FollowRelation,
  Gender,
  Profile,
  ProfileItem,
} from './model.ts';

/** How values of a kind are written as text, read back (null when the text is not one of them), and sized in bytes. */
export type Codec<V> = { encode(value: V): string; decode(text: string): V | null; sizeOf(value: V): number };

const RELATIONS: readonly unknown[] = ['NONE', 'FAN', 'FOLLOWING', 'MUTUAL'] satisfies FollowRelation[];

/** `unpack` makes a value of what `pack` made of it, and throws where it gets anything else. */
function jsonCodec<V>(
  sizeOf: (value: V) => number,
  pack: (value: V) => unknown,
  unpack: (packed: unknown) => V,
): Codec<V> {
  return {
    sizeOf,
    encode: (value) => JSON.stringify(pack(value)),
    decode(text) {
      try {
        return unpack(JSON.parse(text));
      } catch {
        return null;
      }
    },
  };
}

function refuse(): never {
  throw new TypeError('not what is written here');
}
const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : refuse());
const textOf = (value: unknown): string => (isText(value) ? value : refuse());
const textOrNull = (value: unknown): string | null => (value === null || isText(value) ? value : refuse());
const numberOrNull = (value: unknown): number | null => (value === null || isNumber(value) ? value : refuse());
const countOf = (value: unknown): number => (isCount(value) ? value : refuse());

/** The tags that are written, each with its place. */
type Places = Map<string, number>;

function placeOf(tag: string, places: Places): number {
  const known = places.get(tag);
  if (known !== undefined) return known;
  places.set(tag, places.size);
  return places.size - 1;
}

/** All that it has, in the order of the type; for a tag its place, and the value after it. */
function packProfile(profile: Profile, places: Places): unknown[] {
  const { nick, avatar, gender, birthday, location, selfSignature, language, level, role } = profile;
  const { allowType, adminForbidType, messageSettings, version, whole } = profile;
  const fields: string[] = [];
  for (const { key, value } of profile.customFields) fields.push(key, value);
  const items: (string | number)[] = [];
  for (const { tag, value } of profile.items) items.push(placeOf(tag, places), value);
  // biome-ignore format: sixteen lines would say no more
  return [
    nick, avatar, gender, birthday, location, selfSignature,
    language, level, role, allowType, adminForbidType, messageSettings,
    fields, items, version, whole,
  ];
}
const PROFILE_PARTS = 16;

function unpackProfile(packed: unknown, tags: readonly string[]): Profile {
  const parts = listOf(packed);
  const whole = parts[15];
  if (parts.length !== PROFILE_PARTS || typeof whole !== 'boolean') refuse();
  return {
    nick: textOrNull(parts[0]),
    avatar: textOrNull(parts[1]),
    gender: textOrNull(parts[2]) as Gender | null, // as are the other two: what was one when it was written
    birthday: textOrNull(parts[3]),
    location: textOrNull(parts[4]),
    selfSignature: textOrNull(parts[5]),
    language: numberOrNull(parts[6]),
    level: numberOrNull(parts[7]),
    role: numberOrNull(parts[8]),
    allowType: textOrNull(parts[9]) as AllowType | null,
    adminForbidType: textOrNull(parts[10]) as AdminForbidType | null,
    messageSettings: numberOrNull(parts[11]),
    customFields: inPairs(listOf(parts[12]), (key, value) => ({ key: textOf(key), value: textOf(value) })),
    items: inPairs(listOf(parts[13]), (place, value): ProfileItem => {
      const tag = isNumber(place) ? tags[place] : undefined;
      return tag !== undefined && (isText(value) || isNumber(value)) ? { tag, value } : refuse();
    }),
    version: numberOrNull(parts[14]),
    whole,
  };
}

function inPairs<T>(list: readonly unknown[], pair: (first: unknown, second: unknown) => T): T[] {
  if (list.length % 2 !== 0) refuse();
  const pairs: T[] = new Array(list.length / 2);
  for (let n = 0; n < pairs.length; n++) pairs[n] = pair(list[2 * n], list[2 * n + 1]);
  return pairs;
}

function packPage({ entries, next }: FollowPage): unknown {
  const places: Places = new Map();
  const members = entries.map(({ user, followedAt }) => [
    user.id,
    followedAt,
    user.profile && packProfile(user.profile, places),
  ]);
  return [next, [...places.keys()], members];
}

function unpackPage(packed: unknown): FollowPage {
  const [next, tags, members] = listOf(packed);
  const texts = listOf(tags).map(textOf);
  const entries = listOf(members).map((member): FollowEntry => {
    const [id, followedAt, profile] = listOf(member);
    const user = { id: textOf(id), profile: profile === null ? null : unpackProfile(profile, texts) };
    return { user, followedAt: countOf(followedAt) };
  });
  return { entries, next: textOf(next) };
}

// Measured on Node 24; `test/cache/memory.test.ts` holds them against the heap.
const OBJECT_BYTES = 60;
const PROFILE_BYTES = 300;
const ENTRY_BYTES = 120;
/** One character that Latin 1 does not have makes all of its text twice as wide. */
const textBytes = (text: string | null) => (text === null ? 0 : 24 + (isWide(text) ? 2 : 1) * text.length);

/** In a text shorter than this a loop is done before a regular expression has begun. */
const SHORT = 24;

function isWide(text: string): boolean {
  if (text.length >= SHORT) return /[^\0-\xff]/.test(text);
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return true;
  return false;
}

/** Looks into most texts once, although they stand in two places: a page has a thousand of them. */
function profileBytes({ nick, avatar, selfSignature, location, items, customFields }: Profile): number {
  const nickBytes = textBytes(nick);
  const avatarBytes = textBytes(avatar);
  let bytes = PROFILE_BYTES + nickBytes + avatarBytes + textBytes(selfSignature) + textBytes(location);
  for (let n = 0; n < items.length; n++) {
    const value = items[n]?.value;
    if (value === avatar) bytes += OBJECT_BYTES + avatarBytes;
    else if (value === nick) bytes += OBJECT_BYTES + nickBytes;
    else bytes += OBJECT_BYTES + (typeof value === 'string' ? textBytes(value) : 8);
  }
  for (const { key, value } of customFields) bytes += OBJECT_BYTES + textBytes(key) + textBytes(value);
  return bytes;
}

function pageBytes({ entries, next }: FollowPage): number {
  let bytes = 200 + textBytes(next);
  for (const { user } of entries)
    bytes += ENTRY_BYTES + textBytes(user.id) + (user.profile ? profileBytes(user.profile) : 0);
  return bytes;
}

export const profile = jsonCodec<Profile>(
  profileBytes,
  (value) => {
    const places: Places = new Map();
    const packed = packProfile(value, places);
    return [[...places.keys()], packed];
  },
  (packed) => {
    const [tags, parts] = listOf(packed);
    return unpackProfile(parts, listOf(tags).map(textOf));
  },
);
export const counts = jsonCodec<FollowCounts>(
  () => OBJECT_BYTES,
  ({ fans, follows, mutuals }) => ({ fans, follows, mutuals }),
  (packed) => {
    const { fans, follows, mutuals } = packed as Record<string, unknown>;
    return { fans: countOf(fans), follows: countOf(follows), mutuals: countOf(mutuals) };
  },
);
export const relation = jsonCodec<FollowRelation>(
  () => 16,
  (value) => value,
  (packed) => (RELATIONS.includes(packed) ? (packed as FollowRelation) : refuse()),
);
export const page = jsonCodec<FollowPage>(pageBytes, packPage, unpackPage);
