// Clients that do not read: their answers wait at the source, not in memory, and a WebSocket is cut off.
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { buildSchema, type ExecutionResult, OperationTypeNode, parse } from 'graphql';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEventStreams } from '../../src/server/event-streams.ts';
import { createWebSockets } from '../../src/server/web-socket.ts';
import { NO_SPAN } from '../../src/span.ts';
import { createTestClock } from '../support/clock.ts';
import { listenOnLoopback } from '../support/loopback.ts';
import { openReadySocket } from './sockets.ts';

const SDL = 'type Query { text: String } type Subscription { text: String }';
const ANSWER_BYTES = 65_536;
const MAX_BYTES = 1_000_000;
/** More than the system itself holds for a connection, and far less than a source without end would send. */
const MAX_TAKEN = 400;

/** Answers without end. */
function openSource() {
  const source = { taken: 0, isOver: false };
  async function* answer(): AsyncGenerator<ExecutionResult, undefined> {
    try {
      for (;;) {
        source.taken++;
        yield { data: { text: 'x'.repeat(ANSWER_BYTES) } };
      }
    } finally {
      source.isOver = true;
    }
  }
  let last = 0;
  /** Whether some were taken, and none since the last look. */
  const isStopped = () => {
    const isSame = source.taken === last;
    last = source.taken;
    return isSame && last > 0;
  };
  return Object.assign(source, { answers: answer(), stopped: () => expect.poll(isStopped).toBe(true) });
}

async function openServer(listener?: RequestListener) {
  const sockets: Socket[] = [];
  const server = createServer(listener);
  server.on('connection', (socket) => sockets.push(socket));
  return { server, port: await listenOnLoopback(server), sockets };
}

describe('a stream', () => {
  async function openUnread() {
    const source = openSource();
    const streams = createEventStreams(createTestClock());
    const { port, sockets } = await openServer((_request, response) =>
      streams.send(response, source.answers, MAX_BYTES),
    );
    const client = connect(port, '127.0.0.1').pause();
    client.on('error', () => {});
    onTestFinished(() => void client.destroy());
    client.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
    await source.stopped();
    const [connection] = sockets as [Socket];
    return { source, client, connection };
  }

  test('takes nothing more from its source while its client does not read', async () => {
    const { source, connection } = await openUnread();
    expect(source.taken).toBeLessThan(MAX_TAKEN);
    expect(connection.writableLength).toBeLessThan(1_000_000);
  });

  test('that has ended behind an answer on the same connection is not kept alive any more', async () => {
    const clock = createTestClock();
    const streams = createEventStreams(clock);
    const ended = Promise.withResolvers<ServerResponse>();
    const { port } = await openServer(async (request, response) => {
      if (request.url === '/unanswered') return;
      await streams.send(response, [{ data: {} }].values(), MAX_BYTES);
      ended.resolve(response);
    });
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway\r\n\r\n`;
    client.write(head('/unanswered') + head('/stream'));
    const response = await ended.promise;
    const errors: Error[] = [];
    response.on('error', (error) => errors.push(error));
    clock.advance(60_000);
    await eventLoopTurn();
    expect([response.closed, errors]).toEqual([false, []]);
  });

  test('ends its source as soon as the client goes away', async () => {
    const { source, client } = await openUnread();
    client.resetAndDestroy();
    await expect.poll(() => source.isOver).toBe(true);
  });
});

describe('a WebSocket', () => {
  async function openUnread() {
    const sources: ReturnType<typeof openSource>[] = [];
    const webSockets = createWebSockets({
      beginSpan: () => NO_SPAN,
      cors: { isForeignSocket: () => false },
      schema: buildSchema(SDL),
      graphql: {
        async run(_params, state) {
          state.document = parse('subscription { text }');
          state.operationType = OperationTypeNode.SUBSCRIPTION;
          const source = openSource();
          sources.push(source);
          return source.answers;
        },
      },
      authenticate: async () => null,
      secondsToWait: async () => null,
      isReady: () => true,
      log: pino({ level: 'silent' }),
      config: { maxBodyBytes: MAX_BYTES, maxResponseBytes: MAX_BYTES, maxSubscriptions: 10 },
      clock: createTestClock(),
    });
    const { server, port, sockets } = await openServer();
    server.on('upgrade', webSockets.upgrade);
    const client = await openReadySocket({ url: `http://127.0.0.1:${port}` });
    const [connection] = sockets as [Socket];
    client.subscribe('1', 'subscription { text }');
    client.socket.pause();
    await expect.poll(() => connection.writableLength).toBeGreaterThan(0);
    await sources[0]?.stopped();
    return { webSockets, sources, client, connection };
  }

  test('on which too much waits to be read is cut off before it is a megabyte', async () => {
    const { client, connection, sources } = await openUnread();
    for (let number = 2; number <= 50; number++) client.subscribe(String(number), 'subscription { text }');
    let maxUnread = 0;
    const isCutOff = () => {
      maxUnread = Math.max(maxUnread, connection.writableLength);
      return connection.destroyed;
    };
    await expect.poll(isCutOff, { interval: 1 }).toBe(true);
    expect(maxUnread).toBeLessThan(1_000_000);
    await expect.poll(() => sources.every(({ isOver }) => isOver)).toBe(true);
    expect(sources.reduce((sum, { taken }) => sum + taken, 0)).toBeLessThan(MAX_TAKEN);
  });

  test('that asks for answers to pings without end, and reads none, is cut off', async () => {
    const { client, connection } = await openUnread();
    for (let number = 0; number < 50; number++) client.say({ type: 'ping', payload: { text: 'x'.repeat(50_000) } });
    await expect.poll(() => connection.destroyed).toBe(true);
  });
});
