// Kept-alive HTTP/1.1 connections with little work of their own, so that two cores are enough for a server and its load.
import { connect, type Socket } from 'node:net';

export type Answer = { status: number; body: Buffer };
export type Pool = ReturnType<typeof openPool>;

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
  const all = new Set<ReturnType<typeof openConnection>>();
  const idle: ReturnType<typeof openConnection>[] = [];
  return {
    /** Sends a whole request, head and body. Rejects when the connection ends. */
    async send(request: Buffer): Promise<Answer> {
      const connection = idle.pop() ?? openConnection(origin);
      all.add(connection);
      try {
        return await connection.send(request);
      } finally {
        idle.push(connection);
      }
    },
    close(): void {
      for (const connection of all) connection.close();
    },
  };
}

/** Opens with the first request, and again after it has been idle for a while. */
function openConnection(origin: string) {
  const { hostname, port } = new URL(origin);
  let socket: Socket | undefined;
  let usedAt = 0;
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let received: Buffer = Buffer.alloc(0);

  function receive(bytes: Buffer): void {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const end = received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = received.toString('latin1', 0, end + 2);
    const body = received.subarray(end + END_OF_HEAD.length);
    const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(head) ?? [];
    if (length === undefined) waiting?.reject(new Error(`${origin} answers without a length: ${head}`));
    if (body.length < Number(length)) return;
    received = Buffer.alloc(0);
    usedAt = /\r\nconnection: *close\r\n/i.test(head) ? 0 : performance.now();
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
    waiting = undefined;
  }

  function open(): Socket {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    received = Buffer.alloc(0);
    opened.on('data', receive);
    opened.on('error', (error) => opened === socket && waiting?.reject(error));
    opened.on('close', () => {
      if (opened !== socket) return;
      socket = undefined;
      waiting?.reject(new Error(`${origin} closed the connection`));
    });
    return opened;
  }

  return {
    /** One request at a time. */
    send(request: Buffer): Promise<Answer> {
      if (!socket || performance.now() - usedAt > MAX_IDLE_MS) {
        socket?.destroy();
        socket = open();
      }
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close: () => void socket?.destroy(),
  };
}
