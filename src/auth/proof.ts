import { GatewayError } from '../errors.ts';
import type { UserId } from '../follow/model.ts';

/** What a credential proves. */
export type Proof = {
  /** As the credential names it: still to be checked against what an id can look like. */
  userId: unknown;
  /** The last epoch millisecond in which the credential holds. */
  expiresAt: number;
};

/** The most that the upstream takes for a UserID (contract 1.8), whatever the configured pattern says. */
const MAX_USER_ID_BYTES = 32;

/** Makes the check of an id that a credential names; `what` says where it stood, in the refusal. */
export function createViewerIdCheck(pattern: RegExp) {
  return (id: unknown, what: string): UserId => {
    if (typeof id === 'string' && Buffer.byteLength(id) <= MAX_USER_ID_BYTES && pattern.test(id)) return id;
    throw new GatewayError('UNAUTHENTICATED', `${what} is not a user id that can exist here.`);
  };
}
