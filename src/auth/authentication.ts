// Authentication: every credential of a request must prove the same viewer; none at all means anonymous. And whose lists
// the viewer may see.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type FollowList, isUserId, type UserId } from '../follow/model.ts';
import type { JwtDependencies } from './jwt.ts';
import { createTrustedHeader, VIEWER_HEADER } from './trusted-header.ts';
import { createUserSigCheck } from './user-sig.ts';

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

/** Seconds by which the clock of a credential's issuer may differ from ours. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** What a credential proves. */
export type VerifiedCredential = {
  /** As the credential names it: still to be checked against what an id can look like. */
  userId: unknown;
  /** The last epoch millisecond in which the credential holds. */
  expiresAt: number;
};

/** A client sends the same credential for hours; the cache saves verifying it each time. About 4 MB when full. */
const MAX_CREDENTIALS = 20_000;

/** Creates a cache of credentials that held, each until it expires. */
export function createCredentialCache(clock: Clock) {
  // The keys are hashes, so that a dump of the memory shows no credential.
  // `max` would make room for all of them beforehand, which takes a start 10 ms.
  const verified = new LRUCache<string, VerifiedCredential>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  const keyOf = (credential: string) => hash('sha256', credential, 'base64');

  return {
    get(credential: string): VerifiedCredential | undefined {
      const found = verified.get(keyOf(credential));
      return found && clock.now() <= found.expiresAt ? found : undefined;
    },
    set(credential: string, proven: VerifiedCredential): void {
      verified.set(keyOf(credential), proven);
    },
    clear: () => verified.clear(),
  };
}

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
