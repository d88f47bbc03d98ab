// A user is a handle: it costs no upstream call until a field is asked for that needs one.
import type { GraphSettings } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';

/** The longest UserID, in bytes of UTF-8 (contract 1.8). */
const LONGEST_USER_ID = 32;

/** The largest number of ids in one `users` or `nodes` field. */
export const LARGEST_LOOKUP = 100;

/** A handle for `id`, or `BAD_USER_INPUT` when it cannot be a UserID at all. */
export function handleOf(id: string, { userIdPattern }: GraphSettings): UserHandle {
  if (userIdPattern.test(id) && Buffer.byteLength(id) <= LONGEST_USER_ID) return { id, profile: null };
  const shown = id.length > 40 ? `${id.slice(0, 40)}…` : id;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${JSON.stringify(shown)} cannot be a user id: it must match ${userIdPattern.source} and take at most ${LONGEST_USER_ID} bytes.`,
  );
}

/** Handles in the order of `ids`. A malformed id fails in its own place; the others answer. */
export function handlesOf(ids: readonly string[], settings: GraphSettings): (UserHandle | Error)[] {
  if (ids.length > LARGEST_LOOKUP) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `${ids.length} ids are too many: ask for at most ${LARGEST_LOOKUP} at once.`,
    );
  }
  return ids.map((id) => {
    try {
      return handleOf(id, settings);
    } catch (error) {
      return error as GatewayError;
    }
  });
}
