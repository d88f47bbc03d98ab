// A router in front that has already authenticated the viewer: it names the viewer, and shows a secret.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { HeaderLookup } from './authentication.ts';

/** Names the viewer. */
export const VIEWER_HEADER = 'x-viewer-id';
const SECRET_HEADER = 'x-viewer-secret';

/** The header that names the viewer unchecked, in development; else null. */
export const developmentHeaderOf = ({ header }: Config['auth']): string | null =>
  header?.secret === null ? VIEWER_HEADER : null;

/**
 * Makes the reader of the viewer's id: null when the router names no viewer. Throws `UNAUTHENTICATED` when the secret is
 * missing or wrong. Without a secret, in development, the name alone is believed.
 */
export function createTrustedHeader(secret: string | null) {
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
