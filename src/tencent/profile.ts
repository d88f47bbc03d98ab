// From the upstream's Tag/Value list to a profile. Nothing in it can make parsing fail: what cannot be read is null.
import type { AdminForbidType, AllowType, Gender, Profile, ProfileItem } from '../follow/model.ts';
import { isRecord } from './envelope.ts';

/** Prefix of the app's own tags (contract 6.3). */
export const CUSTOM_TAG_PREFIX = 'Tag_Profile_Custom_';

const TAG = {
  nick: 'Tag_Profile_IM_Nick',
  gender: 'Tag_Profile_IM_Gender',
  birthday: 'Tag_Profile_IM_BirthDay',
  location: 'Tag_Profile_IM_Location',
  selfSignature: 'Tag_Profile_IM_SelfSignature',
  allowType: 'Tag_Profile_IM_AllowType',
  language: 'Tag_Profile_IM_Language',
  avatar: 'Tag_Profile_IM_Image',
  messageSettings: 'Tag_Profile_IM_MsgSettings',
  adminForbidType: 'Tag_Profile_IM_AdminForbidType',
  level: 'Tag_Profile_IM_Level',
  role: 'Tag_Profile_IM_Role',
} as const;

/** Every standard tag (contract 6.3). */
export const STANDARD_TAGS: readonly string[] = Object.values(TAG);

const GENDERS: Record<string, Gender> = {
  Gender_Type_Unknown: 'UNKNOWN',
  Gender_Type_Female: 'FEMALE',
  Gender_Type_Male: 'MALE',
};
const ALLOW_TYPES: Record<string, AllowType> = {
  AllowType_Type_NeedConfirm: 'NEED_CONFIRM',
  AllowType_Type_AllowAny: 'ALLOW_ANY',
  AllowType_Type_DenyAny: 'DENY_ANY',
};
const ADMIN_FORBID_TYPES: Record<string, AdminForbidType> = {
  AdminForbid_Type_None: 'NONE',
  AdminForbid_Type_SendOut: 'SEND_OUT',
};

// GraphQL's Int ends here; the upstream's uint32 goes twice as far.
const MAX_INT = 2 ** 31 - 1;

/** Parses one account's `ProfileItem` list (contract 6.1, 6.3). Of a tag that comes twice the first counts. */
export function parseProfile(wireItems: readonly unknown[], known: Pick<Profile, 'version' | 'whole'>): Profile {
  const items = wireItems.flatMap(readItem);
  const values = new Map<string, string | number>();
  for (const { tag, value } of items) if (!values.has(tag)) values.set(tag, value);

  const text = (tag: string): string | null => {
    const value = values.get(tag);
    return typeof value === 'string' ? value : null;
  };
  const integer = (tag: string): number | null => {
    const value = values.get(tag);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT ? value : null;
  };
  const oneOf = <T>(names: Record<string, T>, tag: string): T | null => {
    const value = text(tag);
    return value !== null && Object.hasOwn(names, value) ? (names[value] ?? null) : null;
  };

  return {
    nick: text(TAG.nick),
    avatar: webAddress(text(TAG.avatar)),
    gender: oneOf(GENDERS, TAG.gender),
    birthday: calendarDate(integer(TAG.birthday)),
    location: text(TAG.location),
    selfSignature: text(TAG.selfSignature),
    language: integer(TAG.language),
    level: integer(TAG.level),
    role: integer(TAG.role),
    allowType: oneOf(ALLOW_TYPES, TAG.allowType),
    adminForbidType: oneOf(ADMIN_FORBID_TYPES, TAG.adminForbidType),
    messageSettings: integer(TAG.messageSettings),
    customFields: [...values]
      .filter(([tag]) => tag.startsWith(CUSTOM_TAG_PREFIX))
      .map(([tag, value]) => ({ key: tag.slice(CUSTOM_TAG_PREFIX.length), value: String(value) })),
    items,
    version: known.version,
    whole: known.whole,
  };
}

function readItem(item: unknown): ProfileItem[] {
  if (!isRecord(item)) return [];
  const { Tag: tag, Value: value } = item;
  if (typeof tag !== 'string' || value === undefined) return [];
  const kept = typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value);
  return [{ tag, value: kept }];
}

function webAddress(value: string | null): string | null {
  if (value === null || !/^https?:\/\//i.test(value)) return null;
  return URL.canParse(value) ? value : null;
}

// YYYYMMDD is advice only (contract 6.3), so anything may be in there.
function calendarDate(value: number | null): string | null {
  if (value === null || value < 1_01_01 || value > 9999_12_31) return null;
  const digits = String(value).padStart(8, '0');
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  const isReal = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
  return isReal ? date : null;
}
