// From an id to a handle of a user.
import type { Context } from '../context.ts';
import { GatewayError, noSuchAccount } from '../errors.ts';
import { isUserId, MAX_USER_ID_BYTES, type UserHandle } from '../follow/model.ts';

/** The largest number of ids in one field. */
export const MAX_LOOKUP = 100;

/** An id as an answer shows it, whatever length a client gave it. */
export const shownId = (id: string): string => (id.length > 40 ? `${id.slice(0, 40)}…` : id).toWellFormed();

/** Throws `BAD_USER_INPUT` when `id` cannot be a UserID at all. */
export function checkUserId(id: string, { userIdPattern }: Context['settings']): void {
  if (isUserId(id) && userIdPattern.test(id)) return;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${JSON.stringify(shownId(id))} cannot be a user id: it must match ${userIdPattern.source} and take at most ${MAX_USER_ID_BYTES} bytes.`,
  );
}

/** Throws `BAD_USER_INPUT` when these cannot be the users of a subscription. */
export function checkUserIds(ids: readonly string[], settings: Context['settings']): void {
  if (ids.length === 0 || ids.length > MAX_LOOKUP)
    throw new GatewayError('BAD_USER_INPUT', `Name 1 to ${MAX_LOOKUP} users, not ${ids.length}.`);
  for (const id of ids) checkUserId(id, settings);
}

/** A handle for `id`; throws `USER_NOT_FOUND` when it is known that there is no such account. */
export function handleOf(id: string, context: Context): UserHandle {
  checkUserId(id, context.settings);
  if (context.isKnownMissing(id)) throw new GatewayError('USER_NOT_FOUND', noSuchAccount(id));
  return { id, profile: null };
}

/** Handles in the order of `ids`. An id that is malformed or of no account fails in its own place; the others answer. */
export function handlesOf(ids: readonly string[], context: Context): UserHandle[] {
  if (ids.length > MAX_LOOKUP)
    throw new GatewayError('BAD_USER_INPUT', `${ids.length} ids are too many: ask for at most ${MAX_LOOKUP} at once.`);
  // graphql-js takes an error in a list as the failure of that item alone, which Pothos' types do not say.
  return ids.map((id) => valueOrError(() => handleOf(id, context)) as UserHandle);
}

export function valueOrError<T>(read: () => T): T | GatewayError {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}
