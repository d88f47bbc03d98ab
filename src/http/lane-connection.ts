// One connection of the short lane: what comes on it is cut into requests, and each of them goes its way.
import type { Socket } from 'node:net';
import { write as writeRefusal } from './broken-requests.ts';
import type { LaneRequest, LaneServing } from './lane-request.ts';
import { openPassage, type Passage } from './passage.ts';
import type { RequestHead } from './request-head.ts';

/** What a connection is about: it waits for a request, for the rest of one, or for an answer. */
export type Phase = 'new' | 'idle' | 'arriving' | 'answering';

export type LaneConnectionOptions = LaneServing & {
  readHead(text: string): RequestHead | null;
  /** How long each phase may last, in milliseconds. */
  patience: Readonly<Record<Phase, number>>;
  /** Told of a passage that Node's server has been given. */
  onPassage(passage: Passage): void;
  /** Told when it is closed, or no more of the lane's. */
  onClosed(): void;
};

export type LaneConnection = {
  /** Ends what has taken too long. */
  check(now: number): void;
  /** Told that Node's server has answered what it was passed. */
  answered(): void;
  /** Gives it to Node's server, as soon as it is not in the midst of a request. */
  leave(): void;
};

const OVERDUE = 408;
/** What is read ahead of the answer that it waits for. */
const MOST_WAITING_BYTES = 65_536;
const HEAD_END = Buffer.from('\r\n\r\n');

export function openLaneConnection(socket: Socket, options: LaneConnectionOptions): LaneConnection {
  const {
    wants,
    awaits,
    serve,
    readHead,
    maxBodyBytes,
    isLeaving,
    accept,
    patience,
    onPassage,
    onAbandoned,
    onLeftToNode,
    onClosed,
  } = options;
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
  let answering: LaneRequest | null = null;
  let gone: AbortController | null = null;
  let isLeft = false;

  function enter(next: Phase): void {
    phase = next;
    since = performance.now();
  }

  function receive(piece: Buffer): void {
    if (isGiven) return void (passage?.push(piece) || socket.pause());
    pieces.push(piece);
    bytes += piece.length;
    // Whoever sends more before the answer is there waits for it. Read on at first, or nobody would notice them leave.
    if (phase === 'answering') {
      if (bytes > MOST_WAITING_BYTES) socket.pause();
    } else if (bytes >= expected) step();
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
    if (received.length > expected || (received.length < expected && !(wants(head) && awaits(head, socket)))) {
      giveAway();
      return;
    }
    if (received.length < expected) {
      pieces = [received];
      enter('arriving');
      return;
    }
    pieces = [];
    bytes = 0;
    expected = 0;
    enter('answering');
    if (!wants(head)) {
      pass(received, head);
      return;
    }
    // What Node's server lets an idle connection wait does not hold for this one.
    passage?.setTimeout(0);
    const body = received.subarray(bodyAt);
    answering = { head, body, socket, gone: goneSignal, isLast: isLeaving, onGone: null };
    const served = serve(answering);
    if (served === true) answered();
    else if (served === false) pass(received, head);
    else void served.then((isServed) => (isServed ? answered() : pass(received, head)));
  }

  function answered(): void {
    // Who does not read has nothing answered, and is not idle either.
    if (socket.writableNeedDrain) {
      socket.once('drain', answered);
      return;
    }
    gone = null;
    answering = null;
    enter('idle');
    if (socket.destroyed) return;
    if (isLeft && bytes === 0 && isLeaving()) socket.destroySoon();
    else if (isLeft) giveAway();
    else if (bytes > 0) {
      socket.resume();
      step();
    }
  }

  /** Has Node's server answer one request. */
  function pass(request: Buffer, { headers }: RequestHead): void {
    answering = null;
    if (socket.destroyed) return;
    if (!passage && (isLeft || headers.accept?.includes('text/event-stream'))) {
      // A stream has the connection for itself.
      pieces.unshift(request);
      bytes += request.length;
      giveAway();
      return;
    }
    passage ??= open();
    passage.push(request);
  }

  function open(): Passage {
    const opened = openPassage(socket, {
      onRead: () => void (isGiven && socket.resume()),
      isSurvived: () => answering !== null,
    });
    opened.once('close', () => {
      passage = null;
    });
    onPassage(opened);
    accept(opened, false);
    return opened;
  }

  /** All that comes from here on is for Node's server. */
  function giveAway(): void {
    if (phase === 'arriving') {
      onLeftToNode(socket);
      enter('answering');
    }
    const received = Buffer.concat(pieces, bytes);
    pieces = [];
    bytes = 0;
    onClosed();
    if (passage) {
      isGiven = true;
      if (received.length > 0) passage.push(received);
      socket.resume();
      return;
    }
    socket.off('data', receive).off('end', end).off('error', ignore);
    // Its close is still told to whoever waits in this client's name; else nothing of this is kept as long as it is open.
    if (gone === null) socket.off('close', close);
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
    onClosed();
    if (phase === 'arriving') onAbandoned(socket, null);
    answering?.onGone?.();
    gone?.abort();
  }

  socket.on('data', receive).on('end', end).on('close', close).on('error', ignore);
  return {
    check(now) {
      if (now - since < patience[phase]) return;
      if (phase === 'idle') {
        socket.destroy();
        return;
      }
      if (phase === 'arriving') onAbandoned(socket, OVERDUE);
      enter('answering');
      writeRefusal(socket, OVERDUE, 'The request took too long to arrive.');
    },
    answered() {
      if (!isGiven) answered();
    },
    leave() {
      isLeft = true;
      if (phase !== 'answering') giveAway();
    },
  };
}

/** A close follows. */
function ignore(): void {}
