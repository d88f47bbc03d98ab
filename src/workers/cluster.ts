// Workers as Node's cluster makes them: processes that take turns at the connections of one port.
import type { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { subscribe } from 'node:diagnostics_channel';
import { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { Channel } from './peer.ts';
import type { WorkerProcess } from './supervisor.ts';

type Speaker = {
  on(event: 'message', heard: (message: unknown) => void): unknown;
  send?(message: object, handle: undefined, options: undefined, sent: (error: Error | null) => void): boolean;
};

/** The channel to another process of this cluster. */
export function channelOf(other: Speaker): Channel {
  return {
    // With a callback, a message that comes too late is an error for nobody.
    send: (message) => void other.send?.(message, undefined, undefined, () => {}),
    listen: (heard) => void other.on('message', heard),
  };
}

/** How workers come to be, and the door through which clients come to them. */
export type Door = { launch(number: number): WorkerProcess; close(): Promise<void> };

/**
 * Opens the way to launch workers: each runs this program again, with `env` over what this process has. They have one
 * port; port 0 is the same free one for all of them. `close` closes that port while everybody who came is still handed to
 * a worker: without it, it would be closed when the last worker has said that it takes nobody any more, and clients who
 * come between the two would be let in to be thrown out.
 */
export function openDoor(env: Readonly<Record<string, string | undefined>>): Door {
  // In turn, or some workers would have most of the connections; and by structured cloning, since JSON knows no NaN.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ serialization: 'advanced' });
  const sockets = watchSockets();
  return {
    launch(number) {
      const worker = cluster.fork({ ...env, WORKER: String(number) });
      const lastHanded = noteHanded(worker.process);
      // Node would keep a connection open that was on its way to a worker that died, and its client would wait for ever.
      worker.once('exit', () => lastHanded()?.close());
      return {
        pid: worker.process.pid,
        channel: channelOf(worker.process),
        ended: new Promise((resolve) => {
          worker.once('exit', (code, signal) => resolve({ code, signal }));
          // A process that could not be made at all.
          worker.on('error', () => resolve({ code: 1, signal: null }));
        }),
        kill: () => void worker.process.kill('SIGKILL'),
      };
    },
    async close() {
      // Who waits in the system's queue would be reset. A turn of the event loop accepts them all; a second one, since the
      // first may have begun a while ago.
      await loopTurn();
      await loopTurn();
      for (const socket of sockets) socket.close();
    },
  };
}

type Socket = { close(): void };

/**
 * The sockets on which Node's cluster listens for workers, as they are opened. It has no way to ask for them, and takes
 * them from its server as soon as that listens.
 */
function watchSockets(): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  subscribe('tracing:net.server.listen:asyncStart', (message) => {
    const { server } = message as { server: Server & { _handle?: Socket | null } };
    // Those that this process serves itself, such as the metrics, are none of the workers'.
    if (server instanceof HttpServer) return;
    server.once('listening', () => {
      if (server._handle) sockets.add(server._handle);
    });
  });
  return sockets;
}

/** What was handed to a worker last: of connections, Node hands over the next when the worker has taken the one before. */
function noteHanded(worker: ChildProcess): () => Socket | null {
  let last: Socket | null = null;
  const send = worker.send as (...args: unknown[]) => boolean;
  worker.send = (...args: unknown[]) => {
    // A socket as Node has it inside, for which there is no type; to close it again does nothing.
    if (args[1]) last = args[1] as Socket;
    return send.apply(worker, args);
  };
  return () => last;
}
