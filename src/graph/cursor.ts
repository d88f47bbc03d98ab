// Item cursors: the upstream has one cursor a page, ours names a member of the page. It is base64url of a tag, which is
// an HMAC cut to 128 bits over the list and the text, and the text. A cursor of another user or list, or one that was
// made up, is refused before anything is asked. The same member of the same page always has the same bytes: clients
// splice pages by them.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
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

const TAG_BYTES = 16;
/** Far above what a cursor takes with the longest upstream cursor that is plausible, in letters. */
const MAX_CURSOR_LENGTH = 8192;

/** The cursor of the member at a position. */
export function encodeCursor(key: KeyObject, scope: CursorScope, position: CursorPosition): string {
  const { index, size, followedAt, userId, start } = position;
  const text = Buffer.from(JSON.stringify([index, size, followedAt, userId, start]));
  return Buffer.concat([tagOf(key, scope, text), text]).toString('base64url');
}

/** Reads the cursor in an argument back, or throws `INVALID_CURSOR`: it was not made here for this user and list. */
export function decodeCursor(
  key: KeyObject,
  scope: CursorScope,
  cursor: string,
  argument = 'after',
  remedy = 'Start again without it.',
): CursorPosition {
  const bytes = cursor.length <= MAX_CURSOR_LENGTH ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const text = bytes.subarray(TAG_BYTES);
  const isGenuine =
    bytes.length > TAG_BYTES &&
    timingSafeEqual(bytes.subarray(0, TAG_BYTES), tagOf(key, scope, text)) &&
    // base64url has spare bits and Node ignores foreign characters: one cursor has one spelling.
    bytes.toString('base64url') === cursor;
  if (!isGenuine) throw new GatewayError('INVALID_CURSOR', `"${argument}" is not a cursor of this list. ${remedy}`);
  // The text is authentic, hence one that was written above.
  const [index, size, followedAt, userId, start] = JSON.parse(text.toString());
  return { index, size, followedAt, userId, start };
}

function tagOf(key: KeyObject, { userId, list }: CursorScope, text: Buffer): Buffer {
  const hmac = createHmac('sha256', key)
    .update(JSON.stringify([userId, list]))
    .update(text);
  return hmac.digest().subarray(0, TAG_BYTES);
}
