// How cached values are written for Redis, read back, and sized. What does not have the right shape counts as not there.
import { type FollowCounts, type FollowRelation, type Profile, type ProfileItem, UNSET_PROFILE } from './model.ts';

/** How values of a kind are written as text, read back (null when the text is not one of them), and sized in bytes. */
export type Codec<V> = { encode(value: V): string; decode(text: string): V | null; sizeOf(value: V): number };

/**
 * An upstream page as it is cached: its members' profiles are cached once for all pages, unless they may lack tags. The
 * last part is the owner's counter for this list before the page was read; null when it was not known.
 */
export type CachedPage = {
  readonly ids: readonly string[];
  /** When each follow began, in Unix seconds. */
  readonly times: readonly number[];
  readonly next: string;
  readonly count: number | null;
  readonly partial: readonly (Profile | null)[] | null;
};

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

type Read<V> = (value: unknown) => V;

const only =
  <V>(isRight: (value: unknown) => boolean): Read<V> =>
  (value) => {
    if (!isRight(value)) throw new TypeError('not what is written here');
    return value as V; // as was just checked
  };
const nullOr =
  <V>(read: Read<V>): Read<V | null> =>
  (value) =>
    value === null ? null : read(value);
const listOf =
  <V>(read: Read<V>): Read<V[]> =>
  (value) =>
    only<unknown[]>(Array.isArray)(value).map(read);

const text = only<string>((value) => typeof value === 'string');
const number = only<number>((value) => typeof value === 'number');
const count = only<number>((value) => Number.isSafeInteger(value) && Number(value) >= 0);
const flag = only<boolean>((value) => typeof value === 'boolean');
const pair = only<[unknown, unknown]>((value) => Array.isArray(value) && value.length === 2);
/** A word that was one of its kind when it was written. */
const word = <V>() => nullOr(text as Read<V>);

/** All that a profile has, in the order in which it is written. */
const PROFILE: { [K in keyof Profile]: Read<Profile[K]> } = {
  nick: nullOr(text),
  avatar: nullOr(text),
  gender: word(),
  birthday: nullOr(text),
  location: nullOr(text),
  selfSignature: nullOr(text),
  language: nullOr(number),
  level: nullOr(number),
  role: nullOr(number),
  allowType: word(),
  adminForbidType: word(),
  messageSettings: nullOr(number),
  customFields: listOf((field) => {
    const [key, value] = pair(field);
    return { key: text(key), value: text(value) };
  }),
  items: listOf((item): ProfileItem => {
    const [tag, value] = pair(item);
    return { tag: text(tag), value: typeof value === 'number' ? value : text(value) };
  }),
  version: nullOr(number),
  whole: flag,
};
const PROFILE_FIELDS = Object.keys(PROFILE) as (keyof Profile)[];

const packProfile = (value: Profile): unknown[] =>
  PROFILE_FIELDS.map((field) => {
    if (field === 'items') return value.items.map(({ tag, value }) => [tag, value]);
    return field === 'customFields' ? value.customFields.map(({ key, value }) => [key, value]) : value[field];
  });

function unpackProfile(packed: unknown): Profile {
  const parts = only<unknown[]>((value) => Array.isArray(value) && value.length === PROFILE_FIELDS.length)(packed);
  const profile: Record<string, unknown> = { ...UNSET_PROFILE, customFields: [], items: [], whole: true };
  let n = 0;
  for (const field of PROFILE_FIELDS) profile[field] = PROFILE[field](parts[n++]);
  return profile as Profile; // each field was read as what it is
}

// Measured on Node 24; `test/cache/memory.test.ts` holds them against the heap.
const OBJECT_BYTES = 60;
const PROFILE_BYTES = 300;
const PAGE_BYTES = 300;
const MEMBER_BYTES = 16;
/** One character that Latin 1 does not have makes all of its text twice as wide. */
const textBytes = (value: string | null) =>
  value === null ? 0 : 24 + (/[^\0-\xff]/.test(value) ? 2 : 1) * value.length;

/** Most texts stand in two places, as items and as what they mean. */
function profileBytes({ nick, avatar, selfSignature, location, items, customFields }: Profile): number {
  let bytes = PROFILE_BYTES + textBytes(nick) + textBytes(avatar) + textBytes(selfSignature) + textBytes(location);
  for (const { value } of items) bytes += OBJECT_BYTES + (typeof value === 'string' ? textBytes(value) : 8);
  for (const { key, value } of customFields) bytes += OBJECT_BYTES + textBytes(key) + textBytes(value);
  return bytes;
}

export const profile = jsonCodec<Profile>(profileBytes, packProfile, unpackProfile);
export const counts = jsonCodec<FollowCounts>(
  () => OBJECT_BYTES,
  ({ fans, follows, mutuals }) => ({ fans, follows, mutuals }),
  (packed) => {
    const { fans, follows, mutuals } = packed as Record<string, unknown>;
    const known = nullOr(count);
    return { fans: known(fans), follows: known(follows), mutuals: known(mutuals) };
  },
);
export const relation = jsonCodec<FollowRelation>(
  () => 16,
  (value) => value,
  only((packed) => RELATIONS.includes(packed)),
);
export const page = jsonCodec<CachedPage>(
  ({ ids, next, partial }) => {
    let bytes = PAGE_BYTES + textBytes(next) + MEMBER_BYTES * ids.length;
    for (const id of ids) bytes += textBytes(id);
    for (const each of partial ?? []) if (each) bytes += profileBytes(each);
    return bytes;
  },
  ({ ids, times, next, count, partial }) => [
    next,
    count,
    ids,
    times,
    partial?.map((each) => each && packProfile(each)),
  ],
  (packed) => {
    const [next, known, ids, times, partial] = listOf((part) => part)(packed);
    const page: CachedPage = {
      ids: listOf(text)(ids),
      times: listOf(count)(times),
      next: text(next),
      count: nullOr(count)(known),
      partial: nullOr(listOf(nullOr(unpackProfile)))(partial),
    };
    const isWhole = page.times.length === page.ids.length && (page.partial ?? page.ids).length === page.ids.length;
    return only<CachedPage>(() => isWhole)(page);
  },
);
