// From a client's word for a profile field to the upstream's Tag and Value (CONTRACT 6.3). Lengths count in bytes.
import type { ProfileEdit } from '../follow/model.ts';
import {
  ADMIN_FORBID_TYPES,
  ALLOW_TYPES,
  CUSTOM_TAG_PREFIX,
  calendarDate,
  GENDERS,
  type StandardField,
  tagOf,
  webAddress,
} from './profile.ts';
import type { WireProfileItem } from './wire.ts';

type Fault = 'too-long' | 'invalid';
/** The upstream's value; null for what is none. */
type Write = (value: unknown) => string | number | null;

const MAX_BYTES = 500;
const MAX_LOCATION_BYTES = 16;
const MAX_UINT32 = 2 ** 32 - 1;

const text: Write = (value = '') => (typeof value === 'string' && value.isWellFormed() ? value : null);
const number: Write = (value = 0) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_UINT32 ? Number(value) : null;
const word =
  (names: ReadonlyMap<string, string>, unset?: string): Write =>
  (value = unset) =>
    [...names].find(([, name]) => name === value)?.[0] ?? null;

const WRITES: Readonly<Record<StandardField, Write>> = {
  nick: text,
  avatar: (value = '') => (value === '' || webAddress(value as string) !== null ? text(value) : null),
  gender: word(GENDERS, 'UNKNOWN'),
  birthday: (value) => {
    if (value === undefined) return 0;
    const digits = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value.replaceAll('-', '') : '';
    return calendarDate(Number(digits)) === value ? Number(digits) : null;
  },
  location: text,
  selfSignature: text,
  language: number,
  level: number,
  role: number,
  allowType: word(ALLOW_TYPES),
  adminForbidType: word(ADMIN_FORBID_TYPES),
  messageSettings: number,
};

/** The upstream's item for an edit, or why there is none. */
export function wireItemOf({ field, value }: ProfileEdit): WireProfileItem | Fault {
  const isStandard = Object.hasOwn(WRITES, field);
  if (!isStandard && !field.startsWith(CUSTOM_TAG_PREFIX)) return 'invalid';
  const write = isStandard ? WRITES[field as StandardField] : text;
  const Value = write(value ?? undefined);
  if (Value === null) return 'invalid';
  const maxBytes = field === 'location' ? MAX_LOCATION_BYTES : MAX_BYTES;
  if (typeof Value === 'string' && Buffer.byteLength(Value) > maxBytes) return 'too-long';
  return { Tag: isStandard ? tagOf(field as StandardField) : field, Value };
}
