// From the upstream's Tag/Value list to a profile. Nothing in it can make parsing fail: what cannot be read is null.
import type { AdminForbidType, AllowType, Gender, Profile, ProfileItem } from '../follow/model.ts';
import { isRecord } from './envelope.ts';

/** Prefix of the app's own tags (CONTRACT 6.3). */
export const CUSTOM_TAG_PREFIX = 'Tag_Profile_Custom_';

export const GENDERS: ReadonlyMap<string, Gender> = new Map([
  ['Gender_Type_Unknown', 'UNKNOWN'],
  ['Gender_Type_Female', 'FEMALE'],
  ['Gender_Type_Male', 'MALE'],
]);
export const ALLOW_TYPES: ReadonlyMap<string, AllowType> = new Map([
  ['AllowType_Type_NeedConfirm', 'NEED_CONFIRM'],
  ['AllowType_Type_AllowAny', 'ALLOW_ANY'],
  ['AllowType_Type_DenyAny', 'DENY_ANY'],
]);
export const ADMIN_FORBID_TYPES: ReadonlyMap<string, AdminForbidType> = new Map([
  ['AdminForbid_Type_None', 'NONE'],
  ['AdminForbid_Type_SendOut', 'SEND_OUT'],
]);

// GraphQL's Int ends here; the upstream's uint32 goes twice as far.
const MAX_INT = 2 ** 31 - 1;

type Value = string | number;
export type StandardField = Exclude<keyof Profile, 'customFields' | 'items' | 'version' | 'whole'>;

const text = (value: Value): string | null => (typeof value === 'string' ? value : null);

const integer = (value: Value): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT ? value : null;

const oneOf = <T>(names: ReadonlyMap<string, T>, value: Value): T | null =>
  typeof value === 'string' ? (names.get(value) ?? null) : null;

export const webAddress = (value: Value): string | null =>
  typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value) ? value : null;

// YYYYMMDD is advice only (CONTRACT 6.3), so anything may be in there.
export function calendarDate(value: number | null): string | null {
  if (value === null || value < 1_01_01 || value > 9999_12_31) return null;
  const [year, month, day] = [Math.floor(value / 1_00_00), Math.floor(value / 1_00) % 100, value % 100];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  const digits = String(value).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

// Years repeat every 400; those below 100 mean the last century to `Date`.
const daysOf = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/** Every standard tag (CONTRACT 6.3), its field, and how its value is read. */
const FIELDS: { readonly [F in StandardField]: readonly [tag: string, read: (value: Value) => Profile[F]] } = {
  nick: ['Tag_Profile_IM_Nick', text],
  avatar: ['Tag_Profile_IM_Image', webAddress],
  gender: ['Tag_Profile_IM_Gender', (value) => oneOf(GENDERS, value)],
  birthday: ['Tag_Profile_IM_BirthDay', (value) => calendarDate(integer(value))],
  location: ['Tag_Profile_IM_Location', text],
  selfSignature: ['Tag_Profile_IM_SelfSignature', text],
  language: ['Tag_Profile_IM_Language', integer],
  level: ['Tag_Profile_IM_Level', integer],
  role: ['Tag_Profile_IM_Role', integer],
  allowType: ['Tag_Profile_IM_AllowType', (value) => oneOf(ALLOW_TYPES, value)],
  adminForbidType: ['Tag_Profile_IM_AdminForbidType', (value) => oneOf(ADMIN_FORBID_TYPES, value)],
  messageSettings: ['Tag_Profile_IM_MsgSettings', integer],
};

export const tagOf = (field: keyof typeof FIELDS): string => FIELDS[field][0];

export const STANDARD_TAGS: readonly string[] = Object.values(FIELDS).map(([tag]) => tag);

const UNSET = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, null])) as Record<StandardField, null>;
const READERS = new Map(Object.entries(FIELDS).map(([field, [tag, read]]) => [tag, { field, tag, read }]));

/**
 * Parses one account's `ProfileItem` list (CONTRACT 6.1, 6.3). Of a tag that comes twice the first value that can be read
 * counts; values that are neither text nor finite numbers are left out.
 */
export function parseProfile(wireItems: readonly unknown[], known: Pick<Profile, 'version' | 'whole'>): Profile {
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
  return { ...(fields as Record<StandardField, null>), customFields, items, ...known };
}
