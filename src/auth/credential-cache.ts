// Credentials that have been verified: what they prove, and until when.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

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

/** Creates a check that remembers the credentials that hold, each until it expires; `verify` throws for others. */
export function createCredentialCheck(
  clock: Clock,
  verify: (credential: string) => VerifiedCredential | Promise<VerifiedCredential>,
) {
  // The keys are hashes, so that a dump of the memory shows no credential.
  // `max` would make room for all of them beforehand, which takes a start 10 ms.
  const verified = new LRUCache<string, VerifiedCredential>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  return {
    async check(credential: string): Promise<VerifiedCredential> {
      const key = hash('sha256', credential, 'base64');
      const known = verified.get(key);
      if (known && clock.now() <= known.expiresAt) return known;
      const proven = await verify(credential);
      verified.set(key, proven);
      return proven;
    },
    forget: () => verified.clear(),
  };
}
