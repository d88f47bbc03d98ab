// How cached values are written for Redis, read back, and sized. A text without the right shape counts as not there.
import { z } from 'zod';
import { parseJson } from '../json.ts';
import type { BlockRelation, FollowCounts, FollowRelation, Presence, Profile } from './model.ts';

/** How values of a kind are written as text, read back (null when the text is not one of them), and sized in bytes. */
export type Codec<V> = { encode(value: V): string; decode(text: string): V | null; sizeOf(value: V): number };

/**
 * An upstream page as it is cached: its members' profiles are cached once for all pages. The last part is the owner's
 * counter for this list before the page was read; null when it was not known.
 */
export type CachedPage = {
  readonly ids: readonly string[];
  /** When each follow began, in Unix seconds. */
  readonly times: readonly number[];
  readonly next: string;
  readonly count: number | null;
};

const codec = <V>(
  schema: z.ZodType<V>,
  sizeOf: (value: V) => number,
  pack: (value: V) => unknown = (value) => value,
): Codec<V> => ({
  sizeOf,
  encode: (value) => JSON.stringify(pack(value)),
  decode: (text) => schema.safeParse(parseJson(text)).data ?? null,
});

const count = z.int().min(0);
const text = z.string().nullable();
const number = z.number().nullable();

/** All that a profile has, in the order in which it is written: without names, since most of it is unset. */
const PROFILE_PARTS = {
  nick: text,
  avatar: text,
  gender: z.enum(['UNKNOWN', 'FEMALE', 'MALE']).nullable(),
  birthday: text,
  location: text,
  selfSignature: text,
  language: number,
  level: number,
  role: number,
  allowType: z.enum(['NEED_CONFIRM', 'ALLOW_ANY', 'DENY_ANY']).nullable(),
  adminForbidType: z.enum(['NONE', 'SEND_OUT']).nullable(),
  messageSettings: number,
  customFields: z.array(z.object({ key: z.string(), value: z.string() })),
  items: z.array(z.object({ tag: z.string(), value: z.union([z.string(), z.number()]) })),
  version: number,
} satisfies { [Field in keyof Profile]: z.ZodType<Profile[Field]> };
const FIELDS = Object.keys(PROFILE_PARTS) as (keyof Profile)[];
const packProfile = (value: Profile) => FIELDS.map((field) => value[field]);
const PROFILE: z.ZodType<Profile> = z
  .array(z.unknown())
  .length(FIELDS.length)
  .transform((parts) => Object.fromEntries(parts.map((part, n) => [FIELDS[n], part])))
  .pipe(z.object(PROFILE_PARTS));
const PAGE: z.ZodType<CachedPage> = z
  .object({
    ids: z.array(z.string()),
    times: z.array(count),
    next: z.string(),
    count: count.nullable(),
  })
  .refine(({ ids, times }) => times.length === ids.length);

// Measured on Node 24; `test/cache/memory.test.ts` holds them against the heap.
const OBJECT_BYTES = 60;
const PROFILE_BYTES = 300;
const PAGE_BYTES = 300;
const MEMBER_BYTES = 16;
/** One character that Latin 1 does not have makes all of its text twice as wide. */
const textBytes = (value: string | null) =>
  value === null ? 0 : 24 + (/[^\0-\xff]/.test(value) ? 2 : 1) * value.length;

/** Most texts are in a profile twice, as items and as what they mean. */
function profileBytes({ nick, avatar, selfSignature, location, items, customFields }: Profile): number {
  let bytes = PROFILE_BYTES + textBytes(nick) + textBytes(avatar) + textBytes(selfSignature) + textBytes(location);
  for (const { value } of items) bytes += OBJECT_BYTES + (typeof value === 'string' ? textBytes(value) : 8);
  for (const { key, value } of customFields) bytes += OBJECT_BYTES + textBytes(key) + textBytes(value);
  return bytes;
}

export const profile = codec(PROFILE, profileBytes, packProfile);
export const counts = codec<FollowCounts>(
  z.object({ fans: count.nullable(), follows: count.nullable(), mutuals: count.nullable() }),
  () => OBJECT_BYTES,
);
export const relation = codec<FollowRelation>(z.enum(['NONE', 'FAN', 'FOLLOWING', 'MUTUAL']), () => 16);
export const block = codec<BlockRelation>(z.enum(['NONE', 'BLOCKS', 'BLOCKED_BY', 'BOTH']), () => 16);
export const presence = codec<Presence>(
  z.object({ status: z.enum(['ONLINE', 'PUSH_ONLINE', 'OFFLINE']), platforms: z.array(z.string()) }),
  ({ platforms }) => OBJECT_BYTES * (1 + platforms.length),
);
export const page = codec(PAGE, ({ ids, next }) => {
  let bytes = PAGE_BYTES + textBytes(next) + MEMBER_BYTES * ids.length;
  for (const id of ids) bytes += textBytes(id);
  return bytes;
});
