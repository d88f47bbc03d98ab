// graphql-ws as schema/CLIENTS.md sets it up.
import { type Client, createClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { resuming } from '../../schema/client/resuming.ts';
import { socketUrl } from '../subscriptions/sockets.ts';

/** Opens it for the running test; `onRefused` hears of each connection that failed. */
export function openResumingSocket(url: string, onRefused?: () => void): Client {
  const client = createClient({
    url: socketUrl({ url }),
    webSocketImpl: WebSocket,
    retryAttempts: 1e9,
    shouldRetry: () => true,
    on: { error: onRefused },
  });
  onTestFinished(() => void client.dispose());
  return resuming(client);
}
