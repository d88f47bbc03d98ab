// The viewer of a WebSocket: by the headers of the upgrade, or by the parameters of the connection.
import type { IncomingMessage } from 'node:http';
import type { Authenticate } from '../auth/authentication.ts';
import type { Viewer } from '../auth/viewer.ts';
import { GatewayError } from '../errors.ts';
import { headerOf } from './request-state.ts';

/**
 * Headers and connection parameters are asked one by one, never mixed: a parameter must not complete or replace what a
 * trusted router says. Where both prove somebody, it must be the same.
 */
export async function viewerOf(
  authenticate: Authenticate,
  request: IncomingMessage,
  parameters: Record<string, unknown>,
) {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters))
    if (typeof value === 'string') texts.set(name.toLowerCase(), value);
  const byHeader = await authenticate((name) => headerOf(request, name));
  const byParameter = await authenticate((name) => texts.get(name));
  if (!byHeader || !byParameter) return byHeader ?? byParameter;
  if (byHeader.userId !== byParameter.userId)
    throw new GatewayError('UNAUTHENTICATED', 'The headers and the connection parameters prove different users.');
  const endOf = ({ expiresAt }: Viewer) => expiresAt ?? Number.POSITIVE_INFINITY;
  return endOf(byHeader) < endOf(byParameter) ? byHeader : byParameter;
}
