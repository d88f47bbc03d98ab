// How cached values are written for Redis, read back, and sized. A text without the right shape counts as not there.
import { z } from 'zod';
import { parseJson } from '../json.ts';
import {
  type BlockRelation,
  type FollowCounts,
  type FollowRelation,
  PROFILE,
  type Presence,
  type Profile,
} from './model.ts';

/** How values of a kind are written as text, read back (null when the text is not one of them), and sized in bytes. */
export type Codec<V> = { encode(value: V): string; decode(text: string): V | null; sizeOf(value: V): number };

const codec = <V>(schema: z.ZodType<V>, sizeOf: (value: V) => number): Codec<V> => ({
  sizeOf,
  encode: (value) => JSON.stringify(value),
  decode: (text) => schema.safeParse(parseJson(text)).data ?? null,
});

const count = z.int().min(0);

const PAGE = z
  .object({
    ids: z.array(z.string()).readonly(),
    /** When each follow began, in Unix seconds. */
    times: z.array(count).readonly(),
    next: z.string(),
    /** The owner's counter for this list before the page was read; null when it was not known. */
    count: count.nullable(),
  })
  .refine(({ ids, times }) => times.length === ids.length);
/** An upstream page as it is cached: its members' profiles are cached once for all pages. */
export type CachedPage = z.infer<typeof PAGE>;

const FIELDS = Object.keys(PROFILE.shape) as (keyof Profile)[];
/** A profile's values in the order of its fields, which belongs to the format: without names, since most of it is unset. */
const PROFILE_VALUES = z
  .array(z.unknown())
  .length(FIELDS.length)
  .transform((values) => Object.fromEntries(values.map((value, n) => [FIELDS[n], value])))
  .pipe(PROFILE);

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

export const profile: Codec<Profile> = {
  ...codec(PROFILE_VALUES, profileBytes),
  encode: (value) => JSON.stringify(FIELDS.map((field) => value[field])),
};
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
