import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Proof } from './proof.ts';

export type ProofMemory = {
  /** What the credential has proven before; undefined when that is not known, or over. */
  recall(credential: string): Proof | undefined;
  keep(credential: string, proof: Proof): void;
};

/** A client sends the same credential for hours; so many are not verified each time. About 4 MB when full. */
const MAX_REMEMBERED = 20_000;

/** Remembers credentials that held, each until it expires. What does not hold is not remembered at all. */
export function createProofMemory(clock: Clock): ProofMemory {
  // By a hash, so that whoever reads this memory finds no credential.
  const proofs = new LRUCache<string, Proof>({ max: MAX_REMEMBERED });
  const keyOf = (credential: string) => hash('sha256', credential, 'base64');

  return {
    recall(credential) {
      const key = keyOf(credential);
      const proof = proofs.get(key);
      if (!proof || clock.now() <= proof.expiresAt) return proof;
      proofs.delete(key);
    },
    keep: (credential, proof) => void proofs.set(keyOf(credential), proof),
  };
}
