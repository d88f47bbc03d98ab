// Requests as bytes on a socket, and answers as they came: no client in between that would refuse, add or change anything.
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type Received = {
  /** 0 where the connection was closed without an answer. */
  status: number;
  /** In small letters, in the order in which they came. */
  headers: [name: string, value: string][];
  /** Without the frames of chunks. */
  body: Buffer;
  /** Whether the answer has come to its end. */
  isWhole: boolean;
};

export type Sending = {
  /** The answer; what there was of it when the connection was closed. */
  answer: Promise<Received>;
  /** What has come so far. */
  soFar(): string;
  isAnswered(): boolean;
  /** Goes away. */
  leave(): void;
};

export type Wire = {
  /** Sends a request on the connection that the last one has left open, or on a new one. */
  send(request: Buffer, method: string): Sending;
  /** Sends bytes on a connection of their own; answers all that came until it was closed. */
  exchange(bytes: Buffer): Promise<string>;
};

const HEAD_END = '\r\n\r\n';

export function openWire(url: string): Wire {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let idle: Socket | null = null;
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
  });

  function openSocket(): Socket {
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    open.add(socket);
    // A close follows each error.
    socket.on('error', () => {});
    socket.once('close', () => {
      open.delete(socket);
      if (idle === socket) idle = null;
    });
    return socket;
  }

  return {
    send(request, method) {
      const socket = idle ?? openSocket();
      idle = null;
      const { promise: answer, resolve } = Promise.withResolvers<Received>();
      let bytes: Buffer = Buffer.alloc(0);
      let pieces: Buffer[] = [];
      let missing = 0;
      let isAnswered = false;
      const join = () => {
        bytes = Buffer.concat([bytes, ...pieces]);
        pieces = [];
        return bytes;
      };
      const read = (piece: Buffer) => {
        pieces.push(piece);
        missing -= piece.length;
        if (missing > 0) return;
        const received = readAnswer(join(), method, false);
        if (received) end(received);
        else missing = missingOf(bytes);
      };
      const close = () => end(readAnswer(join(), method, true));
      function end(received: Received | null) {
        socket.off('data', read).off('close', close);
        isAnswered = true;
        if (received && staysOpen(received) && !socket.destroyed && socket.writable) idle = socket;
        else socket.destroy();
        resolve(received ?? { status: 0, headers: [], body: bytes, isWhole: false });
      }
      socket.on('data', read).once('close', close);
      socket.write(request);
      return {
        answer,
        soFar: () => join().toString('latin1'),
        isAnswered: () => isAnswered,
        leave: () => socket.destroy(),
      };
    },

    exchange(bytes) {
      const socket = openSocket();
      const received: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      socket.write(bytes);
      return new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(received).toString())));
    },
  };
}

const staysOpen = ({ headers, isWhole }: Received): boolean =>
  isWhole && !headers.some(([name, value]) => name === 'connection' && value === 'close');

/** How many bytes are to come at least. */
function missingOf(bytes: Buffer): number {
  const end = bytes.indexOf(HEAD_END);
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, Math.max(0, end)))?.[1];
  return length === undefined ? 1 : end + HEAD_END.length + Number(length) - bytes.length;
}

/** The answer in `bytes`; null while it is not whole, unless no more will come. */
function readAnswer(bytes: Buffer, method: string, isOver: boolean): Received | null {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return null;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(first.split(' ')[1]);
  const rest = bytes.subarray(end + HEAD_END.length);
  // "100 Continue" comes before the answer.
  if (status < 200) return readAnswer(rest, method, isOver);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const header = (name: string) => headers.find(([known]) => known === name)?.[1];
  const whole = (body: Buffer): Received => ({ status, headers, body, isWhole: true });
  if (method === 'HEAD' || status === 204 || status === 304) return whole(Buffer.alloc(0));
  const length = header('content-length');
  if (header('transfer-encoding') === 'chunked') {
    const { body, isWhole } = joinChunks(rest);
    return isWhole || isOver ? { status, headers, body, isWhole } : null;
  }
  if (length === undefined) return isOver ? whole(rest) : null;
  if (rest.length >= Number(length)) return whole(rest);
  return isOver ? { status, headers, body: rest, isWhole: false } : null;
}

function joinChunks(bytes: Buffer): { body: Buffer; isWhole: boolean } {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size) || bytes.length < lineEnd + size + 4)
      return { body: Buffer.concat(chunks), isWhole: false };
    if (size === 0) return { body: Buffer.concat(chunks), isWhole: true };
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
