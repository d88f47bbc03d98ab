// Item cursors: the upstream has one cursor a page, ours names a member of the page. It is a tag, which is a keyed hash of
// the list and a text, and the text as base64url. A cursor of another user or list, or one that was made up, is refused
// before anything is asked. The same member of the same page always has the same bytes: clients splice pages by them.
import { hash, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import type { CursorPosition } from '../follow/walk.ts';

/**
 * What a cursor is valid for: a user's list, in time's order or by nick, what one viewer sees of a user's fans, or a
 * search, which has no user.
 */
export type CursorScope = {
  userId: UserId;
  list: FollowList | `${FollowList} by nick` | 'blocked' | `${'knownFans' | 'search'}:${string}`;
};

/** The first 144 bits of the hash, as base64url. */
const TAG_LENGTH = 24;
/** Far above what a cursor takes with the longest upstream cursor that is plausible, in letters. */
const MAX_CURSOR_LENGTH = 8192;

/** The cursor of the member at a position. */
export function encodeCursor(key: string, scope: CursorScope, position: CursorPosition): string {
  const { index, size, followedAt, userId, start } = position;
  return seal(key, scope, JSON.stringify([index, size, followedAt, userId, start]));
}

/** Reads the cursor in an argument back, or throws `INVALID_CURSOR`: it was not made here for this user and list. */
export function decodeCursor(
  key: string,
  scope: CursorScope,
  cursor: string,
  argument = 'after',
  remedy = 'Start again without it.',
): CursorPosition {
  const text = cursor.length <= MAX_CURSOR_LENGTH ? Buffer.from(cursor.slice(TAG_LENGTH), 'base64url').toString() : '';
  // One cursor has one spelling, although Node ignores base64url's spare bits and foreign characters.
  if (!isEqual(cursor, seal(key, scope, text)))
    throw new GatewayError('INVALID_CURSOR', `"${argument}" is not a cursor of this list. ${remedy}`);
  // The text is authentic, hence one that was written above.
  const [index, size, followedAt, userId, start] = JSON.parse(text);
  return { index, size, followedAt, userId, start };
}

/**
 * The tag and the text. SHA-3 is not open to length extension, so that its hash of the key and what follows is as good as
 * an HMAC, which takes three times as long: a page has up to a hundred cursors.
 */
function seal(key: string, { userId, list }: CursorScope, text: string): string {
  const tag = hash('sha3-256', key + JSON.stringify([userId, list]) + text, 'base64url').slice(0, TAG_LENGTH);
  return tag + Buffer.from(text).toString('base64url');
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
