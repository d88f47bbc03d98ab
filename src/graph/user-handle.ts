// A user is a handle: it costs no upstream call until a field is asked for that needs one.
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';

/** The longest UserID, in bytes of UTF-8 (contract 1.8). */
const MAX_USER_ID_BYTES = 32;

/** Keys of what is remembered are put together with these. */
const SEPARATORS = /[\s:{}]/;

/** The largest number of ids in one `users` or `nodes` field. */
export const MAX_LOOKUP = 100;

type Known = Pick<Context, 'settings' | 'isKnownMissing'>;

/**
 * A handle for `id`, null when it is known that there is no such account, or `BAD_USER_INPUT` when it cannot be a
 * UserID at all.
 */
export function handleOf(id: string, known: Known): UserHandle | null {
  const { userIdPattern } = known.settings;
  if (Buffer.byteLength(id) <= MAX_USER_ID_BYTES && !SEPARATORS.test(id) && userIdPattern.test(id)) {
    return known.isKnownMissing(id) ? null : { id, profile: null };
  }
  const shown = id.length > 40 ? `${id.slice(0, 40)}…` : id;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${JSON.stringify(shown)} cannot be a user id: it must match ${userIdPattern.source} and take at most ${MAX_USER_ID_BYTES} bytes.`,
  );
}

/** Handles in the order of `ids`. A malformed id fails in its own place; the others answer. */
export function handlesOf(ids: readonly string[], known: Known): (UserHandle | null | Error)[] {
  if (ids.length > MAX_LOOKUP) {
    throw new GatewayError('BAD_USER_INPUT', `${ids.length} ids are too many: ask for at most ${MAX_LOOKUP} at once.`);
  }
  return ids.map((id) => {
    try {
      return handleOf(id, known);
    } catch (error) {
      return error as GatewayError;
    }
  });
}
