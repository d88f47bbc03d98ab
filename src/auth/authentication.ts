// Who asks: every credential that a request carries must prove the same viewer; none at all means anonymous.
import { GatewayError } from '../errors.ts';
import type { Viewer } from './viewer.ts';

/** Looks up a request header by its name in lower case. */
export type HeaderLookup = (name: string) => string | undefined;

/** Tells who asks, null for anonymous; rejects with `UNAUTHENTICATED` when a credential does not hold. */
export type Authenticate = (header: HeaderLookup) => Viewer | null | Promise<Viewer | null>;

export function createAuthentication(): Authenticate {
  return (header) => {
    if (header('authorization') === undefined) return null;
    throw new GatewayError('UNAUTHENTICATED', 'This gateway takes no credentials.');
  };
}
