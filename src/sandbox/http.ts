// The HTTP server under both the wire and the control endpoint: answers out, and a prompt end.
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Longer than any client pools an idle connection, so that the server is never the one to close under a request. */
const KEEP_ALIVE_MS = 65_000;

export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, json: object): void {
  send(response, status, 'application/json', JSON.stringify(json));
}

export function createHttpServer(handle: (...args: Parameters<RequestListener>) => Promise<void>) {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      // The caller hung up or the server is closing; anything else is a defect of the sandbox and must be seen.
      if (request.socket.destroyed || response.headersSent) return;
      send(response, 500, 'text/plain', `sandbox failed: ${error instanceof Error ? error.stack : String(error)}`);
    });
  });

  return {
    /** Listens to this machine alone and answers the address; port 0 takes a free one. */
    async listen(port: number): Promise<string> {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      // A server that listens on a port, not on a pipe, always has such an address.
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },

    /** Ends every connection at once, waiting ones too. */
    async close(): Promise<void> {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
