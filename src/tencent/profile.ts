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

/** Where the value of a standard tag stands among the others while a list is read. */
const PLACE_OF_TAG: ReadonlyMap<string, number> = new Map(STANDARD_TAGS.map((tag, place) => [tag, place]));
const PLACE = Object.fromEntries(Object.keys(TAG).map((field, place) => [field, place])) as Record<
  keyof typeof TAG,
  number
>;

const GENDERS: ReadonlyMap<string, Gender> = new Map([
  ['Gender_Type_Unknown', 'UNKNOWN'],
  ['Gender_Type_Female', 'FEMALE'],
  ['Gender_Type_Male', 'MALE'],
]);
const ALLOW_TYPES: ReadonlyMap<string, AllowType> = new Map([
  ['AllowType_Type_NeedConfirm', 'NEED_CONFIRM'],
  ['AllowType_Type_AllowAny', 'ALLOW_ANY'],
  ['AllowType_Type_DenyAny', 'DENY_ANY'],
]);
const ADMIN_FORBID_TYPES: ReadonlyMap<string, AdminForbidType> = new Map([
  ['AdminForbid_Type_None', 'NONE'],
  ['AdminForbid_Type_SendOut', 'SEND_OUT'],
]);

// GraphQL's Int ends here; the upstream's uint32 goes twice as far.
const MAX_INT = 2 ** 31 - 1;

type Value = string | number | undefined;
type CustomField = Profile['customFields'][number];

const NO_CUSTOM_FIELDS: readonly CustomField[] = [];

/** Parses one account's `ProfileItem` list (contract 6.1, 6.3). Of a tag that comes twice the first counts. */
export function parseProfile(wireItems: readonly unknown[], known: Pick<Profile, 'version' | 'whole'>): Profile {
  // One pass, and no object that does not stay: a page has a thousand of these lists.
  const items: ProfileItem[] = new Array(wireItems.length);
  let count = 0;
  let custom: Map<string, CustomField> | null = null;
  whereIs.fill(0);
  for (const item of wireItems) {
    if (!isRecord(item)) continue;
    const { Tag: tag, Value: wireValue } = item;
    if (typeof tag !== 'string' || wireValue === undefined) continue;
    const value =
      typeof wireValue === 'string' || typeof wireValue === 'number' ? wireValue : JSON.stringify(wireValue);
    const place = placeOf(tag, count);
    // Every list brings text of its own for its tags; one for all is kept.
    items[count++] = { tag: place === undefined ? tag : (STANDARD_TAGS[place] ?? tag), value };
    if (place !== undefined) whereIs[place] ||= count;
    else if (tag.startsWith(CUSTOM_TAG_PREFIX)) {
      custom ??= new Map();
      if (!custom.has(tag)) custom.set(tag, { key: tag.slice(CUSTOM_TAG_PREFIX.length), value: String(value) });
    }
  }
  if (count < items.length) items.length = count;

  const at = (place: number): Value => {
    const behind = whereIs[place] as number; // as many places as tags
    return behind === 0 ? undefined : items[behind - 1]?.value;
  };
  return {
    nick: text(at(PLACE.nick)),
    avatar: webAddress(at(PLACE.avatar)),
    gender: oneOf(GENDERS, at(PLACE.gender)),
    birthday: calendarDate(integer(at(PLACE.birthday))),
    location: text(at(PLACE.location)),
    selfSignature: text(at(PLACE.selfSignature)),
    language: integer(at(PLACE.language)),
    level: integer(at(PLACE.level)),
    role: integer(at(PLACE.role)),
    allowType: oneOf(ALLOW_TYPES, at(PLACE.allowType)),
    adminForbidType: oneOf(ADMIN_FORBID_TYPES, at(PLACE.adminForbidType)),
    messageSettings: integer(at(PLACE.messageSettings)),
    customFields: custom ? [...custom.values()] : NO_CUSTOM_FIELDS,
    items,
    version: known.version,
    whole: known.whole,
  };
}

/** Of the list that is being read: behind how many items each standard tag's value is found; 0 is nowhere. */
const whereIs = new Uint32Array(STANDARD_TAGS.length);

/** Which standard tag came where in the last list: the next one is mostly alike, and comparing beats looking up. */
const lastPlaces = STANDARD_TAGS.map((_tag, place) => place);

function placeOf(tag: string, at: number): number | undefined {
  const guess = lastPlaces[at];
  if (guess !== undefined && STANDARD_TAGS[guess] === tag) return guess;
  const place = PLACE_OF_TAG.get(tag);
  if (place !== undefined && at < lastPlaces.length) lastPlaces[at] = place;
  return place;
}

const text = (value: Value): string | null => (typeof value === 'string' ? value : null);

const integer = (value: Value): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT ? value : null;

const oneOf = <T>(names: ReadonlyMap<string, T>, value: Value): T | null =>
  typeof value === 'string' ? (names.get(value) ?? null) : null;

const SITE = /^https?:\/\/[\w.-]+(:\d+)?\//i;
/** Where the last avatar was, up to the slash: the others are mostly there too, and what follows makes no address invalid. */
let lastSite = '';

function webAddress(value: Value): string | null {
  if (typeof value !== 'string') return null;
  if (lastSite !== '' && value.startsWith(lastSite)) return value;
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return null;
  lastSite = SITE.exec(value)?.[0] ?? lastSite;
  return value;
}

// YYYYMMDD is advice only (contract 6.3), so anything may be in there.
function calendarDate(value: number | null): string | null {
  if (value === null || value < 1_01_01 || value > 9999_12_31) return null;
  const [year, month, day] = [Math.floor(value / 1_00_00), Math.floor(value / 1_00) % 100, value % 100];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  const digits = String(value).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

// Years repeat every 400; those below 100 mean the last century to `Date`.
const daysOf = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
