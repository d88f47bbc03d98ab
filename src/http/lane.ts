// The short lane: a connection's requests as bytes, without Node's objects for them, where they are as usual: a head that
// cannot be misunderstood, a body of known length, one after the other. Every other request goes on to Node's own server,
// by a passage of its own when it is whole, and else with the whole connection.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { write as writeRefusal } from './broken-requests.ts';
import { openPassage, type Passage } from './passage.ts';
import { createHeadReader, type RequestHead } from './request-head.ts';

/** A request that is whole, and the way to its client. */
export type LaneRequest = {
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly socket: Socket;
  /** Aborts when the client goes away before it has its answer: the same each time. */
  gone(): AbortSignal;
  /** Whether the answer is to be the last of its connection. */
  isLast(): boolean;
  /** Called when the client goes away before it is answered. */
  onGone: (() => void) | null;
};

export type LaneOptions = {
  /** Whether a request that is whole is to be served here, by its head; all others are Node's. */
  wants(head: RequestHead): boolean;
  /** Whether one is to be waited for until it is whole; else Node's server has it at once, and may refuse it meanwhile. */
  awaits(head: RequestHead): boolean;
  /** Told of a request whose client has gone before it was whole. */
  onAbandoned(head: RequestHead): void;
  /** Answers a request that is wanted. False: nothing has been written, and Node's server shall have it. It never throws or rejects. */
  serve(request: LaneRequest): boolean | Promise<boolean>;
  /** Takes over a connection, or a passage from one; `isIdle`: nothing has come on it that was not answered. */
  accept(connection: Duplex, isIdle: boolean): void;
  /** Longer bodies are left to Node, before they have come. */
  maxBodyBytes: number;
  /** Whether nobody new gets in any more, so that each answer is its connection's last. */
  isLeaving(): boolean;
  /** How long a new connection may be silent, a request take to arrive, and a connection be idle, in milliseconds. */
  headersMs: number;
  requestMs: number;
  keepAliveMs: number;
  /** How often that is looked at. */
  checkMs: number;
};

export type Lane = {
  /** Serves a new connection. */
  take(socket: Socket): void;
  /** Told that Node's server has answered a request that came by a passage. */
  noteAnswered(connection: Duplex): void;
  /** Gives all connections to Node's server, each as soon as it is not in the midst of a request. */
  leave(): void;
};

const HEAD_END = Buffer.from('\r\n\r\n');

/** What a connection is about: it waits for a request, for the rest of one, or for an answer. */
type Phase = 'new' | 'idle' | 'arriving' | 'answering';

export function createLane(options: LaneOptions): Lane {
  const {
    wants,
    awaits,
    onAbandoned,
    serve,
    accept,
    maxBodyBytes,
    isLeaving,
    headersMs,
    requestMs,
    keepAliveMs,
    checkMs,
  } = options;
  const readHead = createHeadReader();
  const open = new Set<Connection>();
  const byPassage = new WeakMap<Duplex, Connection>();
  const patience: Record<Phase, number> = {
    new: headersMs,
    idle: keepAliveMs,
    arriving: requestMs,
    answering: Number.POSITIVE_INFINITY,
  };
  let isOver = false;

  type Connection = ReturnType<typeof openConnection>;

  function openConnection(socket: Socket) {
    let phase: Phase = 'new';
    let since = performance.now();
    /** What has come and has not been served. */
    let pieces: Buffer[] = [];
    let bytes = 0;
    /** How many bytes the request has that is arriving. */
    let expected = 0;
    let passage: Passage | null = null;
    /** Whether all that comes goes through the passage. */
    let isGiven = false;
    let arriving: RequestHead | null = null;
    let answering: LaneRequest | null = null;
    let gone: AbortController | null = null;

    function enter(next: Phase): void {
      phase = next;
      since = performance.now();
    }

    function receive(piece: Buffer): void {
      if (isGiven) return void (passage?.push(piece) || socket.pause());
      pieces.push(piece);
      bytes += piece.length;
      // Whoever sends more before the answer is there waits for it.
      if (phase === 'answering') socket.pause();
      else if (bytes >= expected) step();
    }

    /** Looks at what has come. */
    function step(): void {
      const received = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes);
      const headEnd = received.indexOf(HEAD_END);
      const head = headEnd < 0 ? null : readHead(received.toString('latin1', 0, headEnd));
      if (!head || head.bodyBytes > maxBodyBytes) giveAway();
      else take(received, head, headEnd + HEAD_END.length);
    }

    function take(received: Buffer, head: RequestHead, bodyAt: number): void {
      expected = bodyAt + head.bodyBytes;
      // Requests that run beside each other are Node's to keep in order.
      if (received.length > expected || (received.length < expected && !awaits(head))) {
        giveAway();
        return;
      }
      if (received.length < expected) {
        pieces = [received];
        if (phase !== 'arriving') enter('arriving');
        arriving = head;
        return;
      }
      arriving = null;
      pieces = [];
      bytes = 0;
      expected = 0;
      enter('answering');
      if (!wants(head)) {
        pass(received, head);
        return;
      }
      const body = received.subarray(bodyAt);
      answering = { head, body, socket, gone: goneSignal, isLast: isLeaving, onGone: null };
      const served = serve(answering);
      if (served === true) answered();
      else if (served === false) pass(received, head);
      else void served.then((isServed) => (isServed ? answered() : pass(received, head)));
    }

    function answered(): void {
      gone = null;
      answering = null;
      enter('idle');
      if (socket.destroyed) return;
      if (bytes > 0) {
        socket.resume();
        step();
      } else if (isOver) giveAway();
    }

    /** Has Node's server answer one request. */
    function pass(request: Buffer, { headers }: RequestHead): void {
      if (socket.destroyed) return;
      if (!passage && (isOver || headers.accept?.includes('text/event-stream'))) {
        // A stream has the connection for itself.
        pieces.unshift(request);
        bytes += request.length;
        giveAway();
        return;
      }
      if (!passage) {
        passage = openPassage(socket, () => void (isGiven && socket.resume()));
        byPassage.set(passage, connection);
        accept(passage, false);
      }
      passage.push(request);
    }

    /** All that comes from here on is for Node's server. */
    function giveAway(): void {
      arriving = null;
      const received = Buffer.concat(pieces, bytes);
      pieces = [];
      bytes = 0;
      open.delete(connection);
      if (passage) {
        isGiven = true;
        if (received.length > 0) passage.push(received);
        socket.resume();
        return;
      }
      socket.off('data', receive).off('end', end).off('close', close).off('error', ignore);
      if (received.length > 0) socket.unshift(received);
      accept(socket, received.length === 0);
      socket.resume();
    }

    function goneSignal(): AbortSignal {
      gone ??= new AbortController();
      return gone.signal;
    }

    /** The client sends no more: as with Node's server, it gets no more either. */
    function end(): void {
      if (passage) passage.push(null);
      else socket.end();
    }

    function close(): void {
      open.delete(connection);
      if (arriving) onAbandoned(arriving);
      answering?.onGone?.();
      gone?.abort();
    }

    const connection = {
      /** Ends what has taken too long. */
      check(now: number): void {
        if (now - since < patience[phase]) return;
        const wasIdle = phase === 'idle';
        arriving = null;
        enter('answering');
        if (wasIdle) socket.destroy();
        else writeRefusal(socket, 408, 'The request took too long to arrive.');
      },
      answered(): void {
        if (!isGiven) answered();
      },
      leave(): void {
        if (phase !== 'answering') giveAway();
      },
    };
    open.add(connection);
    socket.on('data', receive).on('end', end).on('close', close).on('error', ignore);
    return connection;
  }

  const check = () => {
    const now = performance.now();
    for (const connection of open) connection.check(now);
  };
  setInterval(check, checkMs).unref();

  return {
    take(socket) {
      if (isOver) accept(socket, true);
      else openConnection(socket);
    },
    noteAnswered: (connection) => byPassage.get(connection)?.answered(),
    leave() {
      isOver = true;
      for (const connection of [...open]) connection.leave();
    },
  };
}

/** A close follows. */
function ignore(): void {}
