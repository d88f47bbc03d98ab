// Item cursors: the upstream has one cursor a page, ours names a member of the page.
//
//   base64url( version:1 | mac:16 | index:varint | size:varint | followedAt:varint | id length:1 | id | start )
//
// The mac is HMAC-SHA256, cut to 128 bits, over user, list and payload: a cursor of another user or list, or one that
// was made up, is refused before anything is asked. No nonce and no clock, so the same member of the same page always
// has the same bytes: clients splice pages by comparing cursors.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import type { Place } from '../follow/resume.ts';

const VERSION = 1;
const MAC_BYTES = 16;
const PAYLOAD_AT = 1 + MAC_BYTES;
/** What the largest safe integer takes. */
const LONGEST_VARINT = 8;
/** Far above what a cursor takes with the longest upstream cursor that is plausible. */
const LONGEST_CURSOR = 4096;

/** What a cursor is valid for: a user's list, or what one viewer sees of a user's fans. */
export type CursorScope = { userId: UserId; list: FollowList | `knownFans:${UserId}` };

/** Writes the cursor of the member at `place`. */
export function encodeCursor(key: KeyObject, scope: CursorScope, place: Place): string {
  const idBytes = Buffer.byteLength(place.userId);
  const startBytes = Buffer.byteLength(place.start);
  const bytes = Buffer.allocUnsafe(PAYLOAD_AT + 3 * LONGEST_VARINT + 1 + idBytes + startBytes);
  let at = PAYLOAD_AT;
  for (const number of [place.index, place.size, place.followedAt]) at = writeVarint(bytes, at, number);
  at = bytes.writeUInt8(idBytes, at);
  at += bytes.write(place.userId, at);
  at += bytes.write(place.start, at);
  bytes[0] = VERSION;
  mac(key, scope, bytes.subarray(PAYLOAD_AT, at)).copy(bytes, 1);
  return bytes.toString('base64url', 0, at);
}

/** Reads a cursor back, or throws `INVALID_CURSOR`: it was not made by this service for this user and list. */
export function decodeCursor(key: KeyObject, scope: CursorScope, cursor: string): Place {
  const bytes = cursor.length <= LONGEST_CURSOR ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const payload = bytes.subarray(PAYLOAD_AT);
  const genuine =
    bytes[0] === VERSION &&
    payload.length > 0 &&
    timingSafeEqual(bytes.subarray(1, PAYLOAD_AT), mac(key, scope, payload)) &&
    // base64url has spare bits and Node ignores foreign characters: one cursor has one spelling.
    bytes.toString('base64url') === cursor;
  if (!genuine) {
    throw new GatewayError('INVALID_CURSOR', 'This cursor is not one of this list. Start again without "after".');
  }
  return readPlace(payload);
}

function mac(key: KeyObject, { userId, list }: CursorScope, payload: Buffer): Buffer {
  return createHmac('sha256', key).update(`${list}:${userId}\0`).update(payload).digest().subarray(0, MAC_BYTES);
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128;
  bytes[at++] = rest;
  return at;
}

/** The payload is authentic here, hence well formed. */
function readPlace(payload: Buffer): Place {
  let at = 0;
  const readByte = () => payload.readUInt8(at++);
  const readVarint = () => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = readByte();
      value += (byte % 128) * unit;
      if (byte < 128) return value;
    }
  };
  const index = readVarint();
  const size = readVarint();
  const followedAt = readVarint();
  const idEnd = readByte() + at;
  return {
    index,
    size,
    followedAt,
    userId: payload.toString('utf8', at, idEnd),
    start: payload.toString('utf8', idEnd),
  };
}
