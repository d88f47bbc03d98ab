// The steps of leaving without dropping a request.
import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Resolves when a turn of the event loop has brought nobody: a connection still in the system's queue would be reset. */
export async function acceptWhoWaits(server: Server): Promise<void> {
  let came = true;
  const note = () => {
    came = true;
  };
  server.on('connection', note).on('request', note);
  // Clients that come without end must not keep us here.
  for (let turn = 0; came && turn < 1000; turn++) {
    came = false;
    await loopTurn();
  }
  server.off('connection', note).off('request', note);
}

/** Accepts nobody from now on; resolves when the last connection has gone. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Not http's own close, which also closes idle connections at once, under the request that may be on its way.
    NetServer.prototype.close.call(server, () => resolve());
  });
}

export function makeLast(response: ServerResponse) {
  if (response.headersSent) response.once('finish', () => response.req.socket.destroySoon());
  else response.setHeader('connection', 'close');
}

export function sleepUnless(over: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const waking = new AbortController();
  void over.then(() => waking.abort());
  return clock.sleep(ms, waking.signal).catch(() => {});
}
