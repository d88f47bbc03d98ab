// What a connection of the short lane and those who answer on it owe to each other.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RequestHead } from './request-head.ts';

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

export type LaneServing = {
  /** Whether a request that is whole is to be served here, by its head; all others are Node's. */
  wants(head: RequestHead): boolean;
  /**
   * Asked once of a wanted request whose body has not come: whether it is to be waited for. Else Node's server has it at
   * once, and may refuse it meanwhile.
   */
  awaits(head: RequestHead, socket: Socket): boolean;
  /** Told of an awaited request that never became whole: with the status of its refusal, or null when its client has gone. */
  onAbandoned(socket: Socket, status: number | null): void;
  /** Told of an awaited request that Node's server reads after all, from its beginning. */
  onLeftToNode(socket: Socket): void;
  /** Answers a request that is wanted. False: nothing has been written, and Node's server shall have it. It never throws or rejects. */
  serve(request: LaneRequest): boolean | Promise<boolean>;
  /** Takes over a connection, or a passage from one; `isIdle`: nothing has come on it that was not answered. */
  accept(connection: Duplex, isIdle: boolean): void;
  /** Longer bodies are left to Node, before they have come. */
  maxBodyBytes: number;
  /** Whether nobody new gets in any more, so that each answer is its connection's last. */
  isLeaving(): boolean;
};
