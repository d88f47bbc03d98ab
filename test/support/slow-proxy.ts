// A TCP proxy that passes answers on as late as it is told.
import { connect, createServer } from 'node:net';
import { listenOnLoopback } from './loopback.ts';

/** Listens until the test ends, in front of a port of this machine. */
export async function openSlowProxy(targetPort: number) {
  let port = targetPort;
  let delayMs = 0;
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    client.pipe(target);
    // Answers keep their order: none leaves before the one ahead of it.
    let last = Promise.resolve();
    target.on('data', (bytes) => {
      const due = new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      last = Promise.all([last, due]).then(() => void client.write(bytes));
    });
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
  });
  return {
    port: await listenOnLoopback(server),
    /** New connections lead to this port of this machine from now on. */
    leadTo(nextPort: number) {
      port = nextPort;
    },
    /** What the target answers from now on arrives so much later. */
    delayBy(ms: number) {
      delayMs = ms;
    },
  };
}
