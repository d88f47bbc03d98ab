// Who asks: every credential that a request carries must prove the same viewer; none at all means anonymous.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { createJwtLogin, type JwtSettings } from './jwt-login.ts';
import type { KeySetOptions } from './key-set.ts';
import { createViewerIdCheck, type Proof } from './proof.ts';
import { createTrustedHeader } from './trusted-header.ts';
import { createUserSigLogin } from './user-sig-login.ts';
import type { Viewer } from './viewer.ts';

/** Looks up a request header by its name in lower case. */
export type HeaderLookup = (name: string) => string | undefined;

/**
 * Tells who asks, null for anonymous: at once where no credential has to be proven. Throws or rejects with `UNAUTHENTICATED` when a credential does not hold, and with
 * `UPSTREAM_UNAVAILABLE` when whether it does cannot be found out now.
 */
export type Authenticate = (header: HeaderLookup) => Viewer | null | Promise<Viewer | null>;

/** The ways by which requests may say who asks; see the settings. */
export type AuthSettings = {
  userSig: boolean;
  jwt: JwtSettings | null;
  /** `secret` is null in development alone: then anybody may be anybody. */
  header: { name: string; secret: string | null } | null;
};

export type AuthDependencies = {
  sdkAppId: number;
  secretKey: string;
  /** Which ids can be a UserID at all (contract 1.8). */
  userIdPattern: RegExp;
  clock: Clock;
  /** Told of what goes wrong behind the requests. */
  report: KeySetOptions['report'];
};

type Scheme = { example: string; prove(credential: string): Proof | Promise<Proof> };

/**
 * Makes the check of who asks. A way that is not configured is not looked at: its header is one of many that nobody
 * here knows, so `x-viewer-id` then neither names the viewer nor is refused. The `Authorization` header is known
 * always, so one that proves nothing is refused, never taken for anonymous.
 */
export function createAuthentication(settings: AuthSettings, dependencies: AuthDependencies): Authenticate {
  const checkId = createViewerIdCheck(dependencies.userIdPattern);
  const schemes = createSchemes(settings, dependencies);
  const nameFromRouter = settings.header && createTrustedHeader(settings.header);

  async function fromAuthorization(value: string): Promise<Viewer> {
    const [, word = '', credential = ''] = /^([a-z]+) +([^\s,]+)$/i.exec(value) ?? [];
    const scheme = schemes.get(word.toLowerCase());
    if (!scheme) throw new GatewayError('UNAUTHENTICATED', remedyOf([...schemes.values()]));
    const { userId, expiresAt } = await scheme.prove(credential);
    return { userId: checkId(userId, 'What the credential names'), expiresAt };
  }

  return (header) => {
    const name = nameFromRouter?.(header) ?? null;
    const named = name === null ? null : checkId(name, `"${settings.header?.name}"`);
    const authorization = header('authorization');
    if (authorization === undefined) return named === null ? null : { userId: named, expiresAt: null };
    return fromAuthorization(authorization).then((viewer) => {
      if (named === null || named === viewer.userId) return viewer;
      throw new GatewayError('UNAUTHENTICATED', 'The credentials of this request name different users.');
    });
  };
}

function createSchemes({ userSig, jwt }: AuthSettings, dependencies: AuthDependencies): Map<string, Scheme> {
  const schemes = new Map<string, Scheme>();
  if (userSig) schemes.set('usersig', { example: 'UserSig <sig>', prove: createUserSigLogin(dependencies) });
  if (jwt) schemes.set('bearer', { example: 'Bearer <token>', prove: createJwtLogin(jwt, dependencies) });
  return schemes;
}

/** Names what is taken, and never what was given. */
function remedyOf(schemes: Scheme[]): string {
  if (schemes.length === 0) return 'This gateway takes no Authorization header; leave it out.';
  const examples = schemes.map(({ example }) => `"Authorization: ${example}"`);
  return `The Authorization header must hold one credential, as in ${examples.join(' or ')}.`;
}
