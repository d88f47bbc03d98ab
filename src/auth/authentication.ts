// Authentication: every credential of a request must prove the same viewer; none at all means anonymous.
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { isUserId, type UserId } from '../follow/model.ts';
import type { VerifiedCredential } from './credential-cache.ts';
import type { JwtDependencies } from './jwt.ts';
import { createTrustedHeader, VIEWER_HEADER } from './trusted-header.ts';
import { createUserSigCheck } from './user-sig.ts';
import type { Viewer } from './viewer.ts';

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

type Scheme = { example: string; check(credential: string): VerifiedCredential | Promise<VerifiedCredential> };

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
