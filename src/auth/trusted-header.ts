// A router in front that has already found out who asks: it names the viewer, and proves with a secret that it is it.
import { createHash, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { HeaderLookup } from './authentication.ts';

/** Where the router shows its secret. */
export const SECRET_HEADER = 'x-viewer-secret';

/**
 * Makes the reader of the viewer's id: null when the router names nobody. Throws `UNAUTHENTICATED` when the secret is
 * missing or wrong. Without a secret, in development, the name alone is believed.
 */
export function createTrustedHeader({ name, secret }: { name: string; secret: string | null }) {
  const right = secret === null ? null : digest(secret);

  return (header: HeaderLookup): string | null => {
    const id = header(name) || null;
    if (right === null) return id;
    const given = header(SECRET_HEADER);
    if (given === undefined && id === null) return null;
    if (given === undefined) throw new GatewayError('UNAUTHENTICATED', `"${name}" needs "${SECRET_HEADER}" beside it.`);
    // Digests are of one length, which the comparison asks for, and which tells nothing of the secret's own.
    if (!timingSafeEqual(digest(given), right))
      throw new GatewayError('UNAUTHENTICATED', `"${SECRET_HEADER}" is not the secret of this gateway.`);
    return id;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
