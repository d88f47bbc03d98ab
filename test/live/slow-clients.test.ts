// Clients that do not read: their answers wait at the source, not in memory, and they are cut off.
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { buildSchema, parse } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWebSockets } from '../../src/http/web-socket.ts';
import { createAnswerStreams } from '../../src/server/answer-streams.ts';
import type { Answers } from '../../src/server/yoga.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { openReadySocket } from './sockets.ts';

const ANSWER_BYTES = 65_536;
/** More than the system itself holds for a connection, and far less than a source without end would send. */
const MOST_TAKEN = 400;
const BEAT_MS = 12_000;

/** Answers without end. */
function openSource(answerBytes = ANSWER_BYTES) {
  const source = { taken: 0, isOver: false };
  const answers: Answers = {
    async next() {
      if (source.isOver) return { done: true, value: undefined };
      source.taken++;
      return { done: false, value: { data: { text: 'x'.repeat(answerBytes) } } };
    },
    async return() {
      source.isOver = true;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => answers,
  };
  return Object.assign(source, { answers });
}

const bytesOf = (answers: Answers) =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await answers.next();
      controller.enqueue(Buffer.from(String(value?.data?.text)));
    },
    cancel: () => void answers.return?.(),
  });

/** Resolves when nothing was taken between two looks. */
async function stopped(source: { readonly taken: number }): Promise<void> {
  let last = -1;
  const isSame = () => {
    const same = source.taken === last;
    last = source.taken;
    return same;
  };
  await expect.poll(isSame).toBe(true);
}

async function openServer(listener?: RequestListener) {
  const sockets: Socket[] = [];
  const server = createServer(listener).listen(0, '127.0.0.1');
  server.on('connection', (socket) => sockets.push(socket));
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, sockets };
}

/** Lets beats pass until it has happened; answers how much time that took. */
async function passUntil(clock: TestClock, happened: () => boolean): Promise<number> {
  const startedAt = clock.now();
  while (!happened()) {
    clock.advance(BEAT_MS);
    for (let turn = 0; turn < 10; turn++) await loopTurn();
    if (clock.now() - startedAt > 100 * BEAT_MS) throw new Error('It never happened.');
  }
  return clock.now() - startedAt;
}

describe('a stream', () => {
  async function openStream() {
    const clock = createTestClock();
    const streams = createAnswerStreams(clock);
    const source = openSource();
    const responses: ServerResponse[] = [];
    const ended: Promise<void>[] = [];
    const { port } = await openServer((_request, response) => {
      responses.push(response);
      ended.push(streams.send(response, bytesOf(source.answers)));
    });
    const client = connect(port, '127.0.0.1').pause();
    client.on('error', () => {});
    onTestFinished(() => void client.destroy());
    client.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
    await expect.poll(() => responses[0]?.writableNeedDrain).toBe(true);
    await stopped(source);
    const [response] = responses as [ServerResponse];
    return { clock, streams, source, client, response, ended: () => ended[0] };
  }

  test('takes nothing more from its source while nobody reads, and is cut off after half a minute', async () => {
    const { clock, source, response, ended } = await openStream();
    const { taken } = source;
    expect(taken).toBeLessThan(MOST_TAKEN);
    expect(await passUntil(clock, () => response.destroyed)).toBeGreaterThan(30_000);
    await ended();
    await expect.poll(() => source.isOver).toBe(true);
    expect(source.taken).toBe(taken);
    expect(response.writableLength).toBeLessThan(2 * ANSWER_BYTES);
  });

  test('that nobody reads does not hold up the end', async () => {
    const { streams, source, response, ended } = await openStream();
    streams.leave();
    expect(response.destroyed).toBe(true);
    await ended();
    await expect.poll(() => source.isOver).toBe(true);
  });

  test('whose client goes away ends its source at once', async () => {
    const { source, client, ended } = await openStream();
    client.resetAndDestroy();
    await ended();
    await expect.poll(() => source.isOver).toBe(true);
  });
});

describe('a WebSocket', () => {
  async function openSockets() {
    const clock = createTestClock();
    const sources: ReturnType<typeof openSource>[] = [];
    const webSockets = createWebSockets({
      cors: { isForeignSocket: () => false },
      schema: buildSchema('type Query { text: String } type Subscription { text: String }'),
      graphql: {
        async run(_params, state) {
          state.document = parse('subscription { text }');
          const source = openSource();
          sources.push(source);
          return source.answers;
        },
      },
      authenticate: async () => null,
      isReady: () => true,
      onOperation: () => {},
      onFault(error) {
        throw error;
      },
      maxBodyBytes: 1_000_000,
      maxConnections: 10,
      clock,
    });
    const { server, port, sockets } = await openServer();
    server.on('upgrade', webSockets.upgrade);
    const client = await openReadySocket({ url: `http://127.0.0.1:${port}` });
    const [connection] = sockets as [Socket];
    return { clock, webSockets, sources, client, connection };
  }

  /** Subscribes, and reads nothing more. */
  async function openUnread() {
    const opened = await openSockets();
    opened.client.subscribe('1', 'subscription { text }');
    opened.client.socket.pause();
    await expect.poll(() => opened.connection.writableLength).toBeGreaterThan(0);
    const [source] = opened.sources as [ReturnType<typeof openSource>];
    await stopped(source);
    return { ...opened, source };
  }

  test('takes nothing more from its source while nobody reads, and is cut off when no ping is answered', async () => {
    const { clock, source, connection } = await openUnread();
    const { taken } = source;
    expect(taken).toBeLessThan(MOST_TAKEN);
    await passUntil(clock, () => connection.destroyed);
    await expect.poll(() => source.isOver).toBe(true);
    expect(source.taken).toBeLessThanOrEqual(taken + 1);
  });

  test('on which more than a megabyte waits to be read is cut off at once', async () => {
    const { client, connection, sources } = await openUnread();
    for (let number = 2; number <= 50; number++) client.subscribe(String(number), 'subscription { text }');
    await expect.poll(() => connection.destroyed).toBe(true);
    await expect.poll(() => sources.every(({ isOver }) => isOver)).toBe(true);
    expect(sources.reduce((sum, { taken }) => sum + taken, 0)).toBeLessThan(MOST_TAKEN);
  });

  test('that nobody reads does not hold up the end', async () => {
    const { webSockets, source, connection } = await openUnread();
    webSockets.leave();
    await expect.poll(() => connection.destroyed).toBe(true);
    await expect.poll(() => source.isOver).toBe(true);
  });
});
