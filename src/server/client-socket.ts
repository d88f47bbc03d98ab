// The server's end of a WebSocket: what its client leaves unread, who its client is, and what runs for it.
import type { IncomingMessage } from 'node:http';
import type { SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Authenticate, Viewer } from '../auth/authentication.ts';
import { GatewayError } from '../errors.ts';
import { headerOf, type RequestState } from './request-state.ts';

/** A client that leaves more than this unread is cut off when the next message is sent to it. */
const MAX_UNREAD_BYTES = 500_000;

/** A connection of which a client's absence is no error: what runs on it ends by the close. */
export class ClientSocket extends WebSocket {
  /** Null is anonymous. */
  viewer: Viewer | null = null;
  readonly running = new Map<SubscribePayload, RequestState>();
  /** Aborts at the close. */
  readonly disconnect = new AbortController();

  override send(data: Parameters<WebSocket['send']>[0], whenSent?: unknown): void {
    cutOffUnread(this);
    const next = whenSent as () => void;
    // A subscription that always has more would keep the event loop from ever telling of the close.
    super.send(data, (error) => (error ? setImmediate(next) : next()));
  }
}

export function cutOffUnread(socket: WebSocket) {
  if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
}

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
