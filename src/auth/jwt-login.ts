// Tokens of a single sign-on: JWTs, checked with the public keys that their issuer shows (JWKS).
import { errors, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { createKeySet, type KeySetOptions, type Keys } from './key-set.ts';
import type { Proof } from './proof.ts';
import { createProofMemory, type ProofMemory } from './proof-memory.ts';

export type JwtSettings = { jwksUrl: string; issuer: string; audience: string; userClaim: string };

// Asymmetric ones alone: with HMAC, whoever knows the public key could sign.
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Makes the check of a JWT; it rejects with `UNAUTHENTICATED`, or `UPSTREAM_UNAVAILABLE` when nobody can tell. */
export function createJwtLogin(
  { jwksUrl, issuer, audience, userClaim }: JwtSettings,
  { clock, report }: { clock: Clock; report: KeySetOptions['report'] },
) {
  const keySet = createKeySet({ url: jwksUrl, clock, report });

  // What one set of keys has proven says nothing of the next: a key may have been withdrawn.
  const provenBy = new WeakMap<Keys, ProofMemory>();

  async function verify(token: string, keys: Keys): Promise<Proof> {
    const proofs = provenBy.get(keys) ?? createProofMemory(clock);
    provenBy.set(keys, proofs);
    const known = proofs.recall(token);
    if (known) return known;
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience, algorithms: ALGORITHMS },
      requiredClaims: ['exp', userClaim],
      currentDate: new Date(clock.now()),
    });
    // Required, so it is there. Its second is the first in which the token no longer holds.
    const proof = { userId: payload[userClaim], expiresAt: (payload.exp as number) * 1000 - 1 };
    proofs.keep(token, proof);
    return proof;
  }

  return (token: string): Promise<Proof> =>
    keySet
      .check((keys) => verify(token, keys))
      .catch((error) => {
        if (error instanceof GatewayError) throw error;
        throw new GatewayError('UNAUTHENTICATED', refusalOf(error));
      });
}

/** Says what is wrong. Of claims only after the signature held: jose looks at them last. */
function refusalOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired; log in again.';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `The token lacks the claim "${claim}".`;
    if (claim === 'aud') return 'The token is for another audience.';
    if (claim === 'iss') return 'The token is from another issuer.';
    if (claim === 'nbf') return 'The token is not valid yet.';
    return `The claim "${claim}" of the token cannot be used.`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `The token is not signed by an algorithm that is taken here: ${ALGORITHMS.join(', ')}.`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key that its issuer does not show.';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'The token must name its key ("kid"): there are several.';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token does not hold.';
  return 'The token cannot be read: it is cut off, or no signed JWT.';
}
