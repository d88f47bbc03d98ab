// Item cursors: the upstream has one cursor a page, ours names a member of the page.
//
//   base64url( tag:18 | version:1 | index:varint | size:varint | followedAt:varint | id length:1 | id | start length:varint | start )
//
// The tag is SHA-256, cut to 144 bits, over the list's own key and all that follows the tag: a cursor of another user or
// list, or one that was made up, is refused before anything is asked. A hash of key and text is as good as an HMAC where,
// as here, no text is the beginning of another and most of the hash's state stays hidden, and costs a fraction of it. No
// nonce and no clock, so the same member of the same page always has the same bytes: clients splice pages by comparing.
import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import type { Place } from '../follow/resume.ts';

const VERSION = 2;
const TAG_BYTES = 18;
/** A multiple of three bytes is a whole number of letters, so that tag and text can be written apart. */
const TAG_LETTERS = (TAG_BYTES / 3) * 4;
const KEY_BYTES = 32;
/** What the largest safe integer takes. */
const LONGEST_VARINT = 8;
/** What one letter of a text takes at most. */
const LONGEST_LETTER = 3;
/** All but the two texts. */
const LONGEST_FRAME = KEY_BYTES + 1 + 3 * LONGEST_VARINT + 1 + LONGEST_VARINT;
/** Far above what a cursor takes with the longest upstream cursor that is plausible. */
const LONGEST_CURSOR = 4096;

/** What a cursor is valid for: a user's list, or what one viewer sees of a user's fans. */
export type CursorScope = { userId: UserId; list: FollowList | `knownFans:${UserId}` };

/** A list's own key, in front of the room where the texts of its cursors are written. */
type Desk = CursorScope & { bytes: Buffer };

/** Cursors are written a list at a time, so that one desk for each key is enough. */
const desks = new WeakMap<KeyObject, Desk>();

/** Writes the cursor of the member at `place`. */
export function encodeCursor(key: KeyObject, scope: CursorScope, place: Place): string {
  const { userId, start } = place;
  const longest = LONGEST_FRAME + LONGEST_LETTER * (userId.length + start.length);
  const bytes = roomFor(longest, deskOf(key, scope));
  let at = KEY_BYTES;
  bytes[at++] = VERSION;
  at = writeVarint(bytes, at, place.index);
  at = writeVarint(bytes, at, place.size);
  at = writeVarint(bytes, at, place.followedAt);
  const idBytes = bytes.write(userId, at + 1);
  bytes[at] = idBytes;
  at += 1 + idBytes;
  at = writeVarint(bytes, at, start === '' ? 0 : Buffer.byteLength(start));
  if (start !== '') at += bytes.write(start, at);
  return tagOf(bytes.subarray(0, at)) + bytes.toString('base64url', KEY_BYTES, at);
}

/** Reads a cursor back, or throws `INVALID_CURSOR`: it was not made by this service for this user and list. */
export function decodeCursor(key: KeyObject, scope: CursorScope, cursor: string): Place {
  const bytes = cursor.length <= LONGEST_CURSOR ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const text = bytes.subarray(TAG_BYTES);
  const genuine =
    text[0] === VERSION &&
    timingSafeEqual(bytes.subarray(0, TAG_BYTES), Buffer.from(tagFor(text, key, scope), 'base64url')) &&
    // base64url has spare bits and Node ignores foreign characters: one cursor has one spelling.
    bytes.toString('base64url') === cursor;
  if (!genuine) {
    throw new GatewayError('INVALID_CURSOR', 'This cursor is not one of this list. Start again without "after".');
  }
  return readPlace(text);
}

function deskOf(key: KeyObject, { userId, list }: CursorScope): Desk {
  const known = desks.get(key);
  if (known && known.userId === userId && known.list === list) return known;
  const bytes = known?.bytes ?? Buffer.alloc(LONGEST_CURSOR);
  createHmac('sha256', key).update(`cursors of ${list}:${userId}`).digest().copy(bytes);
  const desk = { userId, list, bytes };
  desks.set(key, desk);
  return desk;
}

/** The desk's own room, unless an upstream cursor takes more than is worth keeping. */
function roomFor(size: number, { bytes }: Desk): Buffer {
  if (size <= bytes.length) return bytes;
  const larger = Buffer.alloc(size);
  bytes.copy(larger, 0, 0, KEY_BYTES);
  return larger;
}

function tagFor(text: Buffer, key: KeyObject, scope: CursorScope): string {
  const bytes = roomFor(KEY_BYTES + text.length, deskOf(key, scope));
  text.copy(bytes, KEY_BYTES);
  return tagOf(bytes.subarray(0, KEY_BYTES + text.length));
}

function tagOf(keyAndText: Buffer): string {
  // As text, since making a buffer of it takes three times as long as the hash.
  return hash('sha256', keyAndText, 'base64url').slice(0, TAG_LETTERS);
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128;
  bytes[at++] = rest;
  return at;
}

/** The text is authentic here, hence well formed. */
function readPlace(text: Buffer): Place {
  let at = 1;
  const readByte = () => text.readUInt8(at++);
  const readVarint = () => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = readByte();
      value += (byte % 128) * unit;
      if (byte < 128) return value;
    }
  };
  const readText = (length: number) => {
    at += length;
    return text.toString('utf8', at - length, at);
  };
  return {
    index: readVarint(),
    size: readVarint(),
    followedAt: readVarint(),
    userId: readText(readByte()),
    start: readText(readVarint()),
  };
}
