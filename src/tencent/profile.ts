// From the upstream's Tag/Value list to a profile. Nothing in it makes parsing fail: a value that cannot be read is null.
import { z } from 'zod';
import type { Profile, ProfileEdit, ProfileItem } from '../follow/model.ts';
import { isRecord } from '../json.ts';
import type { WireProfileItem } from './wire.ts';

/** Prefix of the app's own tags (CONTRACT 6.3). */
export const CUSTOM_TAG_PREFIX = 'Tag_Profile_Custom_';

const GENDERS = { Gender_Type_Unknown: 'UNKNOWN', Gender_Type_Female: 'FEMALE', Gender_Type_Male: 'MALE' } as const;
const ALLOW_TYPES = {
  AllowType_Type_NeedConfirm: 'NEED_CONFIRM',
  AllowType_Type_AllowAny: 'ALLOW_ANY',
  AllowType_Type_DenyAny: 'DENY_ANY',
} as const;
const ADMIN_FORBID_TYPES = { AdminForbid_Type_None: 'NONE', AdminForbid_Type_SendOut: 'SEND_OUT' } as const;

// GraphQL's Int ends here; the upstream's uint32 goes twice as far.
export const MAX_INT = 2 ** 31 - 1;

type Value = string | number;
type StandardField = Exclude<keyof Profile, 'customFields' | 'items' | 'version'>;

// A text is unset by an empty one.
const text = (value: Value): string | null => (typeof value === 'string' && value !== '' ? value : null);

const integer = (value: Value): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT ? value : null;

/** How one of some words is read, and written. */
function oneOf<T extends string>(words: Readonly<Record<string, T>>, unset?: T) {
  const names = new Map<Value, T>(Object.entries(words));
  const write: Write = (value = unset) => [...names].find(([, name]) => name === value)?.[0] ?? null;
  return [(value: Value): T | null => names.get(value) ?? null, write] as const;
}

// `URL` drops line breaks and tabs and escapes other controls, which parsers of native apps do not take.
const webAddress = (value: Value): string | null =>
  typeof value === 'string' && /^https?:\/\/\P{Cc}*$/iu.test(value) && URL.canParse(value) ? value : null;

// YYYYMMDD is advice only (CONTRACT 6.3), so anything may be in there.
function calendarDate(value: number | null): string | null {
  if (value === null || value < 1_01_01) return null;
  const digits = String(value).padStart(8, '0');
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  return z.regexes.date.test(date) ? date : null;
}

/** A client's word as the upstream keeps it; undefined unsets, null is none. */
type Write = (value: unknown) => Value | null;

const writeText: Write = (value = '') => (typeof value === 'string' && value.isWellFormed() ? value : null);
const writeAddress: Write = (value = '') => (value === '' || webAddress(value as Value) ? writeText(value) : null);
const writeNumber: Write = (value = 0) => integer(value as Value);

function writeDate(value: unknown): Value | null {
  if (value === undefined) return 0;
  const number = typeof value === 'string' ? Number(value.replaceAll('-', '')) : null;
  return calendarDate(number) === value ? number : null;
}

/** Every standard tag (CONTRACT 6.3), its field, and how its value is read, and written. */
const FIELDS: { readonly [F in StandardField]: readonly [tag: string, read: (value: Value) => Profile[F], Write] } = {
  nick: ['Tag_Profile_IM_Nick', text, writeText],
  avatar: ['Tag_Profile_IM_Image', webAddress, writeAddress],
  gender: ['Tag_Profile_IM_Gender', ...oneOf(GENDERS, 'UNKNOWN')],
  birthday: ['Tag_Profile_IM_BirthDay', (value) => calendarDate(integer(value)), writeDate],
  location: ['Tag_Profile_IM_Location', text, writeText],
  selfSignature: ['Tag_Profile_IM_SelfSignature', text, writeText],
  language: ['Tag_Profile_IM_Language', integer, writeNumber],
  level: ['Tag_Profile_IM_Level', integer, writeNumber],
  role: ['Tag_Profile_IM_Role', integer, writeNumber],
  allowType: ['Tag_Profile_IM_AllowType', ...oneOf(ALLOW_TYPES)],
  adminForbidType: ['Tag_Profile_IM_AdminForbidType', ...oneOf(ADMIN_FORBID_TYPES)],
  messageSettings: ['Tag_Profile_IM_MsgSettings', integer, writeNumber],
};

export const STANDARD_TAGS: readonly string[] = Object.values(FIELDS).map(([tag]) => tag);

const UNSET = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, null])) as Record<StandardField, null>;
const READERS = new Map(Object.entries(FIELDS).map(([field, [tag, read]]) => [tag, { field, tag, read }]));

/**
 * Parses one account's `ProfileItem` list (CONTRACT 6.1, 6.3). Of a tag that comes twice the first value that can be read
 * counts; values that are neither text nor finite numbers are left out.
 */
export function parseProfile(wireItems: readonly unknown[], version: Profile['version']): Profile {
  const items: ProfileItem[] = [];
  const custom = new Map<string, string>();
  const fields: Record<string, unknown> = { ...UNSET };
  for (const item of wireItems) {
    if (!isRecord(item) || typeof item.Tag !== 'string') continue;
    const value = typeof item.Value === 'string' ? item.Value.toWellFormed() : item.Value;
    if (typeof value !== 'string' && !Number.isFinite(value)) continue;
    const reader = READERS.get(item.Tag);
    // Every list brings text of its own for its tags; one for all is kept.
    const tag = reader?.tag ?? item.Tag.toWellFormed();
    items.push({ tag, value: value as Value }); // as just checked
    if (reader) fields[reader.field] ??= reader.read(value as Value);
    else if (tag.startsWith(CUSTOM_TAG_PREFIX) && !custom.has(tag)) custom.set(tag, String(value));
  }
  const customFields = [...custom].map(([tag, value]) => ({ key: tag.slice(CUSTOM_TAG_PREFIX.length), value }));
  return { ...(fields as Record<StandardField, null>), customFields, items, version };
}

/** Of a value (CONTRACT 6.3). */
export const MAX_VALUE_BYTES = 500;
const MAX_LOCATION_BYTES = 16;

/** The upstream's item for an edit, or why there is none. Lengths count in bytes. */
export function wireItemOf({ field, value }: ProfileEdit): WireProfileItem | 'TOO_LONG' | 'INVALID_VALUE' {
  const standard = Object.hasOwn(FIELDS, field) ? FIELDS[field as StandardField] : null;
  const [tag, , write] = standard ?? [field, null, writeText];
  const written = write(value ?? undefined);
  if (written === null) return 'INVALID_VALUE';
  const maxBytes = field === 'location' ? MAX_LOCATION_BYTES : MAX_VALUE_BYTES;
  return Buffer.byteLength(String(written)) > maxBytes ? 'TOO_LONG' : { Tag: tag, Value: written };
}
