// A way for single requests of a connection to Node's own HTTP server, which takes any stream for a connection.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export type Passage = Duplex & {
  /** The connection that it is for. */
  readonly from: Socket;
  readonly remoteAddress: string | undefined;
  setTimeout(ms: number): void;
  /** Ends the connection once everything is written, as a socket does. */
  destroySoon(): void;
};

export type PassageOptions = {
  /** Told when there is room for more of what is to be read. */
  onRead(): void;
  /** Whether the connection stays when the passage is destroyed: it is being answered in another way. */
  isSurvived(): boolean;
};

/**
 * Opens one; what is to be read on it is pushed. Ending it ends the connection, and so does destroying it, as Node's
 * server does with a connection that it knows to be idle, unless the connection survives that.
 */
export function openPassage(socket: Socket, { onRead, isSurvived }: PassageOptions): Passage {
  const passage = new Duplex({
    read: onRead,
    write: (chunk: Buffer | string, encoding, done) => void socket.write(chunk, encoding, done),
    writev(chunks, done) {
      // As one packet, as far as it goes.
      socket.cork();
      for (const [at, { chunk, encoding }] of chunks.entries())
        socket.write(chunk, encoding, at === chunks.length - 1 ? done : undefined);
      socket.uncork();
    },
    final(done) {
      socket.destroySoon();
      done();
    },
    destroy(error, done) {
      if (!isSurvived()) socket.destroy();
      done(error);
    },
    decodeStrings: false,
  });
  // A failed connection is told by its end.
  passage.on('error', () => {});
  socket.once('close', () => passage.destroy());
  socket.on('timeout', () => passage.emit('timeout'));
  return Object.assign(passage, {
    from: socket,
    remoteAddress: socket.remoteAddress,
    setTimeout: (ms: number) => void socket.setTimeout(ms),
    destroySoon: () => void passage.end(),
  });
}

/** The connection behind what a request calls its socket. */
export function connectionBehind(socket: Duplex): Socket {
  return (socket as Partial<Passage>).from ?? (socket as Socket);
}
