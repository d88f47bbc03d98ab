// Item cursors: the upstream has one cursor a page, ours names a member of the page.
//
//   base64url( tag:18 | version:1 | index:varint | size:varint | followedAt:varint | id length:varint | id | start length:varint | start )
//
// The tag is SHA-256, cut to 144 bits, over our key, the user, the list and all that follows the tag: a cursor of another
// user or list, or one that was made up, is refused before anything is asked. A hash of key and text is as good as an HMAC
// where, as here, no text is the beginning of another and much of the hash's state stays hidden, and costs a fraction of
// it. No nonce and no clock, so the same member of the same page always has the same bytes: clients splice pages by them.
import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import type { Place } from '../follow/resume.ts';

const VERSION = 2;
const TAG_BYTES = 18;
/** A multiple of three bytes is a whole number of letters, so that tag and text can be written apart. */
const TAG_LETTERS = (TAG_BYTES / 3) * 4;
/** What is tagged: 32 bytes of key, 32 that stand for user and list, and what the cursor says. */
const SCOPE_AT = 32;
const TEXT_AT = 64;
/** What the largest safe integer takes. */
const LONGEST_VARINT = 8;
/** What one letter of a text takes at most. */
const LONGEST_LETTER = 3;
/** All that a cursor says but its two texts. */
const LONGEST_FRAME = 1 + 5 * LONGEST_VARINT;
/** Far above what a cursor takes with the longest upstream cursor that is plausible, in letters. */
const LONGEST_CURSOR = 8192;
/** Room for all cursors that are plausible, in bytes. */
const DESK_BYTES = 4096;

/** What a cursor is valid for: a user's list, or what one viewer sees of a user's fans. */
export type CursorScope = { userId: UserId; list: FollowList | `knownFans:${UserId}` };

/** Where cursors are written, with key and scope in place. */
type Desk = { readonly bytes: Buffer; scope: CursorScope | null };

/** Cursors are written a list at a time, so that one for each key is enough. */
const desks = new WeakMap<KeyObject, Desk>();

/** Writes the cursor of the member at `place`. */
export function encodeCursor(key: KeyObject, scope: CursorScope, place: Place): string {
  const { index, size, followedAt, userId, start } = place;
  const bytes = roomFor(LONGEST_FRAME + LONGEST_LETTER * (userId.length + start.length), deskOf(key, scope));
  let at = TEXT_AT;
  bytes[at++] = VERSION;
  at = writeVarint(bytes, at, index);
  at = writeVarint(bytes, at, size);
  at = writeVarint(bytes, at, followedAt);
  at = writeText(bytes, at, userId);
  at = writeText(bytes, at, start);
  return tagOf(bytes, at) + bytes.toString('base64url', TEXT_AT, at);
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
  let desk = desks.get(key);
  if (!desk) {
    desk = { bytes: Buffer.alloc(DESK_BYTES), scope: null };
    createHmac('sha256', key).update('item cursors').digest().copy(desk.bytes);
    desks.set(key, desk);
  }
  if (desk.scope?.userId !== userId || desk.scope.list !== list) {
    desk.bytes.write(hash('sha256', `${list.length}:${list}:${userId}`, 'binary'), SCOPE_AT, 'binary');
    desk.scope = { userId, list };
  }
  return desk;
}

/** The desk's own room, unless an upstream cursor takes more than is worth keeping. */
function roomFor(size: number, { bytes }: Desk): Buffer {
  if (TEXT_AT + size <= bytes.length) return bytes;
  const larger = Buffer.alloc(TEXT_AT + size);
  bytes.copy(larger, 0, 0, TEXT_AT);
  return larger;
}

function tagFor(text: Buffer, key: KeyObject, scope: CursorScope): string {
  const bytes = roomFor(text.length, deskOf(key, scope));
  return tagOf(bytes, TEXT_AT + text.copy(bytes, TEXT_AT));
}

function tagOf(bytes: Buffer, end: number): string {
  // As text, since making a buffer of it takes three times as long as the hash.
  return hash('sha256', bytes.subarray(0, end), 'base64url').slice(0, TAG_LETTERS);
}

function writeText(bytes: Buffer, start: number, text: string): number {
  if (text === '') return writeVarint(bytes, start, 0);
  const at = writeVarint(bytes, start, Buffer.byteLength(text));
  return at + bytes.write(text, at);
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
    userId: readText(readVarint()),
    start: readText(readVarint()),
  };
}
