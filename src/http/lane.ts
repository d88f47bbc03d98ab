// The short lane: a connection's requests as bytes, without Node's objects for them, where they are as usual: a head that
// cannot be misunderstood, a body of known length, one after the other. Every other request goes on to Node's own server,
// through the connection's passage when it is whole, and else with the whole connection.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type LaneConnection, openLaneConnection } from './lane-connection.ts';
import type { LaneServing } from './lane-request.ts';
import { createHeadReader } from './request-head.ts';

export type LaneOptions = LaneServing & {
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
  /** Told that Node's server has answered a request, whichever way that came. */
  noteAnswered(connection: Duplex): void;
  /** Gives all connections to Node's server, each as soon as it is not in the midst of a request. */
  leave(): void;
};

export function createLane({ headersMs, requestMs, keepAliveMs, checkMs, ...serving }: LaneOptions): Lane {
  const readHead = createHeadReader();
  const open = new Set<LaneConnection>();
  const byPassage = new WeakMap<Duplex, LaneConnection>();
  const patience = { new: headersMs, idle: keepAliveMs, arriving: requestMs, answering: Number.POSITIVE_INFINITY };
  let checking: NodeJS.Timeout | undefined;
  let isOver = false;

  function check(): void {
    const now = performance.now();
    for (const connection of open) connection.check(now);
    if (open.size > 0) return;
    clearInterval(checking);
    checking = undefined;
  }

  return {
    take(socket) {
      if (isOver) return serving.accept(socket, true);
      const connection = openLaneConnection(socket, {
        ...serving,
        readHead,
        patience,
        onPassage: (passage) => byPassage.set(passage, connection),
        onClosed: () => open.delete(connection),
      });
      open.add(connection);
      checking ??= setInterval(check, checkMs).unref();
    },
    noteAnswered: (connection) => byPassage.get(connection)?.answered(),
    leave() {
      isOver = true;
      for (const connection of [...open]) connection.leave();
    },
  };
}
