// Tokens of a single sign-on: JWTs, checked with the public keys that their issuer publishes (JWKS).
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { createOccasionalReport, type Report } from '../report.ts';
import { CLOCK_TOLERANCE_SECONDS, createCredentialCheck, type VerifiedCredential } from './credential-cache.ts';

export type JwtDependencies = { clock: Clock; report: Report };

// Asymmetric ones alone: with HMAC, any holder of the public key could sign.
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Keys this old are fetched again behind the requests; a withdrawn key is refused from then on. */
const REFRESH_MS = 10 * 60_000;
const RETRY_MS = 10_000;
const KEY_HOST = {
  /** For how long known keys are good while their host is down. */
  cacheMaxAge: 24 * 3_600_000,
  /** Between two fetches for keys that are unknown: a client can make up any key id. */
  cooldownDuration: 10_000,
  timeoutDuration: 5000,
};

const UNREADABLE = 'The token cannot be read: it is cut off, or no signed JWT.';
const REFUSALS: Record<string, string> = {
  ERR_JWT_EXPIRED: 'The token has expired; log in again.',
  ERR_JOSE_ALG_NOT_ALLOWED: `The token is not signed by an algorithm that is taken here: ${ALGORITHMS.join(', ')}.`,
  ERR_JWKS_NO_MATCHING_KEY: 'The token is signed with a key that its issuer does not show.',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'The token must name its key ("kid"): there are several.',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'The signature of the token does not hold.',
  aud: 'The token is for another audience.',
  iss: 'The token is from another issuer.',
  nbf: 'The token is not valid yet.',
};
/** jose's own errors are about the token, but for these, which are about the key host's answer. */
const HOST_FAILURES = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT'];

/** Makes the check of a JWT; it rejects with `UNAUTHENTICATED`, or `UPSTREAM_UNAVAILABLE` while there are no keys. */
export function createJwtCheck(settings: NonNullable<Config['auth']['jwt']>, { clock, report }: JwtDependencies) {
  const { jwksUrl, issuer, audience, userClaim } = settings;
  const keys = createRemoteJWKSet(new URL(jwksUrl), KEY_HOST);
  let refreshAt = clock.monotonicMs() + REFRESH_MS;
  const occasionally = createOccasionalReport(report, clock);

  function reportFailure(error: Error & { code?: string }): void {
    // A code alone is fit for the log: other texts may repeat the URL or the answer.
    const { code = error.code } = (error.cause ?? {}) as { code?: string };
    occasionally('keys', 'The keys of tokens cannot be fetched', { reason: code });
  }

  function refreshInBackground(): void {
    if (clock.monotonicMs() < refreshAt || !keys.jwks()) return;
    refreshAt = clock.monotonicMs() + RETRY_MS;
    keys.reload().then(() => {
      credentials.forget();
      refreshAt = clock.monotonicMs() + REFRESH_MS;
    }, reportFailure);
  }

  function refuse(error: Error): never {
    if (error instanceof errors.JOSEError && !HOST_FAILURES.includes(error.code))
      throw new GatewayError('UNAUTHENTICATED', refusalOf(error));
    reportFailure(error);
    const message = 'The keys that tokens are checked with cannot be fetched now; try again later.';
    throw new GatewayError('UPSTREAM_UNAVAILABLE', message);
  }

  const credentials = createCredentialCheck(clock, async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS },
      requiredClaims: ['exp', userClaim],
      currentDate: new Date(clock.now()),
    }).catch(refuse);
    // The claim is required, so it is there. Its second is the first in which the token no longer holds.
    const expiresAt = ((payload.exp as number) + CLOCK_TOLERANCE_SECONDS) * 1000 - 1;
    return { userId: payload[userClaim], expiresAt };
  });
  return (token: string): Promise<VerifiedCredential> => {
    refreshInBackground();
    return credentials.check(token);
  };
}

/** Says what is wrong. Claims are named only after the signature held: jose looks at them last. */
function refusalOf(error: errors.JOSEError): string {
  if (!(error instanceof errors.JWTClaimValidationFailed)) return REFUSALS[error.code] ?? UNREADABLE;
  const { claim, reason } = error;
  if (reason === 'missing') return `The token lacks the claim "${claim}".`;
  return REFUSALS[claim] ?? `The claim "${claim}" of the token cannot be used.`;
}
