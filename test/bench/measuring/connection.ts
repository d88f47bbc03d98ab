// Kept-alive HTTP/1.1 connections with little work of their own, so that two cores are enough for a server and its load.
import { connect, type Socket } from 'node:net';

export type Answer = { status: number; body: Buffer };
export type Pool = ReturnType<typeof openPool>;
type Connection = {
  socket: Socket;
  usedAt: number;
  received: Buffer;
  waiting: PromiseWithResolvers<Answer> | undefined;
};

const EMPTY: Buffer = Buffer.alloc(0);
const END_OF_HEAD = '\r\n\r\n';
/** Shorter than any server keeps an idle connection, so that none is closed under a request. */
const MAX_IDLE_MS = 2000;

/** The bytes of a request with JSON over POST, to any server of the benches. */
export function postOf(body: object | string, path = '/graphql'): Buffer {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'accept: application/graphql-response+json, application/json;q=0.9',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}${END_OF_HEAD}${json}`);
}

/** Sends over as many connections as there are requests at once. */
export function openPool(origin: string) {
  const { hostname, port } = new URL(origin);
  const all = new Set<Connection>();
  const idle: Connection[] = [];

  function open(): Connection {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const connection: Connection = { socket, usedAt: 0, received: EMPTY, waiting: undefined };
    all.add(connection);
    socket.on('data', (bytes) => receive(connection, bytes));
    socket.on('error', (error) => connection.waiting?.reject(error));
    socket.on('close', () => {
      all.delete(connection);
      connection.waiting?.reject(new Error(`${origin} closed the connection`));
    });
    return connection;
  }

  function receive(connection: Connection, bytes: Buffer): void {
    const { received: before, socket, waiting } = connection;
    const received = before.length === 0 ? bytes : Buffer.concat([before, bytes]);
    connection.received = received;
    const end = received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = received.toString('latin1', 0, end + 2);
    const body = received.subarray(end + END_OF_HEAD.length);
    const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(head) ?? [];
    if (length === undefined) waiting?.reject(new Error(`${origin} answers without a length: ${head}`));
    if (body.length < Number(length)) return;
    connection.received = EMPTY;
    connection.waiting = undefined;
    connection.usedAt = performance.now();
    if (/\r\nconnection: *close\r\n/i.test(head)) socket.destroy();
    else idle.push(connection);
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  return {
    /** Sends a whole request, head and body. Rejects when the connection ends. */
    send(request: Buffer): Promise<Answer> {
      let connection = idle.pop();
      while (connection && (connection.socket.destroyed || performance.now() - connection.usedAt > MAX_IDLE_MS)) {
        connection.socket.destroy();
        connection = idle.pop();
      }
      connection ??= open();
      connection.waiting = Promise.withResolvers();
      connection.socket.write(request);
      return connection.waiting.promise;
    },
    close(): void {
      for (const { socket } of all) socket.destroy();
    },
  };
}
