// Authentication: every credential of a request must prove the same viewer; none at all means anonymous. And whose lists
// the viewer may see.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type FollowList, isUserId, type UserId } from '../follow/model.ts';
import { type UserSigVerdict, verifyUserSig } from '../tencent/user-sig.ts';
import { CLOCK_TOLERANCE_SECONDS, createCredentialCheck, type VerifiedCredential } from './credential-cache.ts';
import type { JwtDependencies } from './jwt.ts';

/** Looks up a request header by its name in lower case. */
export type HeaderLookup = (name: string) => string | undefined;

/**
 * Finds the viewer, null for anonymous. Rejects with `UNAUTHENTICATED` for a credential that does not hold, and with
 * `UPSTREAM_UNAVAILABLE` when that cannot be found out now.
 */
export type Authenticate = (header: HeaderLookup) => Promise<Viewer | null>;

export type AuthSettings = Pick<Config, 'auth' | 'userIdPattern'> & {
  tencent: Pick<Config['tencent'], 'sdkAppId' | 'secretKey'>;
};

export type AuthDependencies = JwtDependencies & {
  /** A further way, tried first; its null leaves the request to the ways of the settings. */
  further?: Authenticate;
};

type Scheme = { example: string; check(credential: string): Promise<VerifiedCredential> };

/**
 * Creates the authentication of one gateway. The header of a way that is not configured is ignored, so `x-viewer-id`
 * then neither names the viewer nor is refused; an `Authorization` header that proves nothing is refused always.
 */
export function createAuthentication(settings: AuthSettings, dependencies: AuthDependencies): Authenticate {
  const { auth, tencent, userIdPattern } = settings;
  const { userSig, jwt } = auth;
  const schemes = new Map<string, Scheme>();
  const { clock } = dependencies;
  if (userSig) schemes.set('usersig', { example: 'UserSig <sig>', check: createUserSigCheck(tencent, clock) });
  if (jwt) {
    // Loaded where it is used: jose takes a start 40 ms.
    const check = import('./jwt.ts').then(({ createJwtCheck }) => createJwtCheck(jwt, dependencies));
    schemes.set('bearer', { example: 'Bearer <token>', check: async (token) => (await check)(token) });
  }
  const readHeader = auth.header && createTrustedHeader(auth.header.secret);

  function toUserId(id: unknown, place: string): UserId {
    if (isUserId(id) && userIdPattern.test(id)) return id;
    throw new GatewayError('UNAUTHENTICATED', `${place} is not a user id that can exist here.`);
  }

  return async (header) => {
    const other = await dependencies.further?.(header);
    if (other) return other;
    const id = readHeader?.(header) ?? null;
    const named = id === null ? null : toUserId(id, `"${VIEWER_HEADER}"`);
    const authorization = header('authorization');
    if (authorization === undefined) return named === null ? null : { userId: named, expiresAt: null };

    const [, word = '', credential = ''] = /^([a-z]+) +([^\s,]+)$/i.exec(authorization) ?? [];
    const scheme = schemes.get(word.toLowerCase());
    if (!scheme) throw new GatewayError('UNAUTHENTICATED', remedyOf([...schemes.values()]));
    const { userId, expiresAt } = await scheme.check(credential);
    const viewer = { userId: toUserId(userId, 'The id in the credential'), expiresAt };
    if (named === null || named === viewer.userId) return viewer;
    throw new GatewayError('UNAUTHENTICATED', 'The credentials of this request name different users.');
  };
}

/** Names what is accepted, and never what was given. */
function remedyOf(schemes: Scheme[]): string {
  if (schemes.length === 0) return 'This gateway takes no Authorization header; leave it out.';
  const examples = schemes.map(({ example }) => `"Authorization: ${example}"`);
  return `The Authorization header must hold one credential, as in ${examples.join(' or ')}.`;
}

type Defect = Extract<UserSigVerdict, { ok: false }>['reason'];

const REFUSALS: Record<Defect, string> = {
  malformed: 'The UserSig cannot be read: it is cut off, or no UserSig.',
  'wrong-app': 'The UserSig is for another app.',
  expired: 'The UserSig has expired; log in again.',
  'bad-signature': 'The UserSig is not signed with the key of this app.',
};

/**
 * Makes the check of a UserSig, the credential that frontends of Tencent Cloud Chat already have, signed with the app's key;
 * it rejects with `UNAUTHENTICATED` for one that does not hold.
 */
const createUserSigCheck = (app: { sdkAppId: number; secretKey: string }, clock: Clock) =>
  createCredentialCheck(clock, (userSig) => {
    const verdict = verifyUserSig(userSig, { ...app, now: clock.now() / 1000 });
    if (!verdict.ok) throw new GatewayError('UNAUTHENTICATED', REFUSALS[verdict.reason]);
    if (verdict.issuedAt > clock.now() / 1000 + CLOCK_TOLERANCE_SECONDS)
      throw new GatewayError('UNAUTHENTICATED', 'The UserSig is not valid yet: check the clock of its server.');
    // It holds to the end of its last second.
    return { userId: verdict.userId, expiresAt: (verdict.expiresAt + 1) * 1000 - 1 };
  }).check;

/** Names the viewer, where a router in front has authenticated them; it shows a secret beside. */
export const VIEWER_HEADER = 'x-viewer-id';
const SECRET_HEADER = 'x-viewer-secret';

/**
 * Makes the reader of the viewer's id: null when the router names no viewer. Throws `UNAUTHENTICATED` when the secret is
 * missing or wrong. Without a secret, in development, the name alone is believed.
 */
function createTrustedHeader(secret: string | null) {
  const expected = secret === null ? null : digest(secret);

  return (header: HeaderLookup): string | null => {
    const id = header(VIEWER_HEADER) || null;
    if (expected === null) return id;
    const given = header(SECRET_HEADER);
    if (given === undefined && id === null) return null;
    if (given === undefined)
      throw new GatewayError('UNAUTHENTICATED', `"${VIEWER_HEADER}" needs "${SECRET_HEADER}" beside it.`);
    // The comparison takes texts of one length: digests have it, and reveal nothing of the secret's length.
    if (!timingSafeEqual(digest(given), expected))
      throw new GatewayError('UNAUTHENTICATED', `"${SECRET_HEADER}" is not the secret of this gateway.`);
    return id;
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The user that a request is made for, once that is proven. */
export type Viewer = {
  readonly userId: UserId;
  /** Epoch milliseconds after which the credential no longer holds; null when it has no end. */
  readonly expiresAt: number | null;
};

/** Whether `viewer` (null: anonymous) may see the members of a list of `owner`. Called for every list, so it must be quick. */
export type MaySee = (viewer: Viewer | null, owner: UserId, list: FollowList) => boolean;

/** The rule of the setting `LIST_VISIBILITY`. Counts are no list: they can always be seen. */
export function createVisibility(settings: Config['listVisibility']): MaySee {
  return (viewer, owner, list) => {
    if (settings[list] === 'public') return true;
    return settings[list] === 'self' ? viewer?.userId === owner : viewer !== null;
  };
}
