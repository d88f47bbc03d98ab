// Requests that Node's parser gives up on, or that take too long to arrive: they are refused in the shape of all others.
import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { SECURITY_HEADER_LINES } from '../http/security-headers.ts';
import { refusal } from './body.ts';

/** By the code of Node's error; anything else is a malformed request. */
const REFUSALS: Record<string, { status: number; message: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive.' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers of the request are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions of the request are too large.' },
};
const MALFORMED = { status: 400, message: 'The request is not well-formed HTTP.' };

/**
 * Answers a request that breaks off. `running` is the last request of the connection that has been begun and has not
 * been answered.
 */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex, running: ServerResponse | undefined): void {
  const { status, message } = REFUSALS[error.code ?? ''] ?? MALFORMED;
  // It is the body of the one that runs which is broken.
  const isPart = running !== undefined && !running.req.complete;
  const isGone = error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE';
  if (isGone || !socket.writable || (isPart && running.headersSent)) socket.destroy();
  else if (isPart) end(running, status, message);
  // What came before in the same connection gets its answer first.
  else if (running) running.once('close', () => write(socket, status, message));
  else write(socket, status, message);
}

/** Answers a request that nobody looks at further, and closes its connection. */
export function end(response: ServerResponse, status: number, message: string, code?: string): void {
  const body = refusal(message, code);
  if (!response.hasHeader('x-request-id')) response.setHeader('x-request-id', randomUUID());
  response.writeHead(status, {
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** Answers a request for a connection of another kind. */
export function write(socket: Duplex, status: number, message: string, code?: string, requestId = randomUUID()): void {
  const body = refusal(message, code);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nx-request-id: ${requestId}\r\n${SECURITY_HEADER_LINES}` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // Whoever goes on sending is not listened to.
    () => socket.destroy(),
  );
}
