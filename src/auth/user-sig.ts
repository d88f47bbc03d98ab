// The credential that frontends of Tencent Cloud Chat already have: a UserSig, signed with the app's key.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type UserSigVerdict, verifyUserSig } from '../tencent/user-sig.ts';
import { CLOCK_TOLERANCE_SECONDS, createCredentialCheck } from './credential-cache.ts';

type Defect = Extract<UserSigVerdict, { ok: false }>['reason'];

const REFUSALS: Record<Defect, string> = {
  malformed: 'The UserSig cannot be read: it is cut off, or no UserSig.',
  'wrong-app': 'The UserSig is for another app.',
  expired: 'The UserSig has expired; log in again.',
  'bad-signature': 'The UserSig is not signed with the key of this app.',
};

/** Makes the check of a UserSig; it rejects with `UNAUTHENTICATED` for one that does not hold. */
export const createUserSigCheck = (app: { sdkAppId: number; secretKey: string }, clock: Clock) =>
  createCredentialCheck(clock, (userSig) => {
    const verdict = verifyUserSig(userSig, { ...app, now: clock.now() / 1000 });
    if (!verdict.ok) throw new GatewayError('UNAUTHENTICATED', REFUSALS[verdict.reason]);
    if (verdict.issuedAt > clock.now() / 1000 + CLOCK_TOLERANCE_SECONDS)
      throw new GatewayError('UNAUTHENTICATED', 'The UserSig is not valid yet: check the clock of its server.');
    // It holds to the end of its last second.
    return { userId: verdict.userId, expiresAt: (verdict.expiresAt + 1) * 1000 - 1 };
  }).check;
