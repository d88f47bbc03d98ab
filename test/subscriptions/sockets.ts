// WebSockets as clients open them: with the client library, and by hand for those who do not behave.
import { once } from 'node:events';
import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { type ClientOptions as SocketOptions, WebSocket } from 'ws';

const PROTOCOL = 'graphql-transport-ws';

/** How a WebSocket begins, for those who write bytes of their own. */
export const HANDSHAKE =
  'GET /graphql HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

export const socketUrl = ({ url }: { url: string }): string => `${url.replace('http', 'ws')}/graphql`;

/** A client as frontends have it; it never tries again by itself. */
export function openClient(
  gateway: { url: string },
  connectionParams?: ClientOptions['connectionParams'],
  headers: Record<string, string> = {},
): Client {
  class WithHeaders extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers });
    }
  }
  const client = createClient({
    url: socketUrl(gateway),
    connectionParams,
    webSocketImpl: WithHeaders,
    retryAttempts: 0,
  });
  onTestFinished(() => void client.dispose());
  return client;
}

/** The one answer of an operation, or its error as it was told. */
export async function ask(client: Client, query: string, variables?: Record<string, unknown>): Promise<unknown> {
  for await (const answer of client.iterate({ query, variables })) return answer;
  throw new Error('There was no answer.');
}

/** A connection on which a test says what it likes. */
export async function openSocket(gateway: { url: string }, options: SocketOptions = {}) {
  const socket = new WebSocket(socketUrl(gateway), PROTOCOL, options);
  onTestFinished(() => socket.terminate());
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const messages: { id?: string; type: string; payload?: unknown }[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  await once(socket, 'open');
  const say = (message: object) => socket.send(JSON.stringify(message));
  return {
    socket,
    closed,
    messages,
    say,
    subscribe: (id: string, query: string) => say({ id, type: 'subscribe', payload: { query } }),
    /** Resolves when the server has said this. */
    async told(type: string, id?: string): Promise<void> {
      const isIt = (message: { id?: string; type: string }) => message.type === type && message.id === id;
      while (!messages.some(isIt)) await once(socket, 'message');
    },
  };
}

/** The same, and known to the server. */
export async function openReadySocket(gateway: { url: string }, options?: SocketOptions) {
  const opened = await openSocket(gateway, options);
  opened.say({ type: 'connection_init' });
  await opened.told('connection_ack');
  return opened;
}

/** The HTTP status with which an upgrade is refused. */
export async function refusedWith(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url, PROTOCOL);
  onTestFinished(() => socket.terminate());
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  return response.resume().statusCode;
}
