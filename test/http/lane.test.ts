// One connection, two ways: what the lane answers itself, what it passes on to Node's server, and that neither of them
// ever mixes up, loses or holds back a request of the other.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { LaneRequest } from '../../src/http/lane-request.ts';
import { createListener, type ListenerOptions } from '../../src/http/listener.ts';

type Front = (request: IncomingMessage, response: ServerResponse) => void;
type Serve = (request: LaneRequest) => boolean | Promise<boolean>;

/** Tells by whom a request was answered, and what it said. */
function answerOnLane({ head, body, socket, isLast }: LaneRequest): true {
  const told = `lane ${head.method} ${head.url} ${body}`;
  const connection = isLast() ? 'connection: close\r\n' : '';
  socket.write(`HTTP/1.1 200 OK\r\n${connection}content-length: ${told.length}\r\n\r\n${told}`);
  if (isLast()) socket.destroySoon();
  return true;
}

const answerByNode: Front = (request, response) =>
  void text(request).then(
    (body) => response.end(`node ${request.method} ${request.url} ${body}`),
    () => {},
  );

/** Lets what was written arrive, and be looked at. */
async function arrive(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await loopTurn();
}

type Options = Pick<ListenerOptions, 'patience' | 'longLived'> & { serve?: Serve; front?: Front };

/** A listener whose lane wants what goes to /lane and to /maybe. */
async function open({ serve = answerOnLane, front = answerByNode, ...options }: Options = {}) {
  const abandoned: (number | null)[] = [];
  const leftToNode = { count: 0 };
  const listener = createListener(front, systemClock, {
    ...options,
    lane: {
      wants: ({ url }) => url !== '/node',
      awaits: ({ url }) => url === '/lane',
      onAbandoned: (_socket, status) => abandoned.push(status),
      onLeftToNode: () => leftToNode.count++,
      serve,
      maxBodyBytes: 1000,
    },
  });
  onTestFinished(() => listener.destroy());
  const url = new URL(await listener.listen(0, '127.0.0.1'));
  return { listener, abandoned, leftToNode, connect: () => openClient(Number(url.port)) };
}

function openClient(port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.setEncoding('latin1').on('error', () => {});
  socket.on('data', (more: string) => {
    received += more;
  });
  return {
    socket,
    write: (bytes: string) => socket.write(bytes, 'latin1'),
    /** The bodies of the answers, as soon as there are so many. */
    async answers(count: number): Promise<string[]> {
      for (;;) {
        const bodies = received.match(/(?:lane|node) [A-Z]+ \/\w* [a-z]*/g) ?? [];
        if (bodies.length >= count) return bodies;
        if (socket.closed) throw new Error(`closed after ${received}`);
        await loopTurn();
      }
    },
    received: () => received,
    closed: () => (socket.closed ? Promise.resolve() : once(socket, 'close')),
  };
}

const ask = (path: string, body = 'x', method = 'POST', more = ''): string =>
  `${method} ${path} HTTP/1.1\r\nhost: a\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

test('requests of one connection are answered in turn, each where it belongs', async () => {
  const { connect } = await open();
  const { write, answers } = connect();
  const paths = ['/lane', '/node', '/lane', '/lane', '/node', '/node', '/lane'];
  const expected: string[] = [];
  for (const [n, path] of paths.entries()) {
    const body = 'abcdefg'.slice(0, n);
    write(ask(path, body));
    expected.push(`${path.slice(1)} POST ${path} ${body}`);
    expect(await answers(n + 1)).toEqual(expected);
  }
});

test('what the lane cannot answer after all, at once or later, is answered by Node', async () => {
  let asked = 0;
  const { connect } = await open({
    serve: (request) => {
      if (request.head.url === '/lane') return answerOnLane(request);
      return ++asked % 2 === 0 ? loopTurn(false) : false;
    },
  });
  const { write, answers } = connect();
  for (let n = 0; n < 6; n++) {
    write(ask(n % 3 === 2 ? '/lane' : '/maybe'));
    await answers(n + 1);
  }
  expect(await answers(6)).toEqual(
    ['node', 'node', 'lane', 'node', 'node', 'lane'].map(
      (way) => `${way} POST /${way === 'lane' ? 'lane' : 'maybe'} x`,
    ),
  );
});

test.each([
  ['on the lane', '/lane'],
  ['by Node', '/node'],
])(
  'requests in one go are answered in their order, when the first has been answered %s before',
  async (_title, path) => {
    const { connect } = await open();
    const { write, answers } = connect();
    write(ask(path, 'first'));
    await answers(1);
    write(['a', 'b', 'c'].map((body, n) => ask(n === 1 ? '/node' : '/lane', body)).join(''));
    expect((await answers(4)).map((answer) => answer.split(' ')[3])).toEqual(['first', 'a', 'b', 'c']);
  },
);

test('who asks again before the answer is there gets both answers in their order', async () => {
  const { promise: told, resolve: tell } = Promise.withResolvers<boolean>();
  const { connect } = await open({
    serve: (request) =>
      request.body.toString() === 'slow' ? told.then(() => answerOnLane(request)) : answerOnLane(request),
  });
  const { write, answers } = connect();
  write(ask('/lane', 'slow'));
  await arrive();
  write(ask('/lane', 'b') + ask('/node', 'c'));
  await arrive();
  write(ask('/lane', 'd'));
  await arrive();
  tell(true);
  expect((await answers(4)).map((answer) => answer.split(' ')[3])).toEqual(['slow', 'b', 'c', 'd']);
});

test('a body may come in pieces, a head that does is left to Node', async () => {
  const { connect } = await open();
  const { write, answers } = connect();
  const request = ask('/lane', 'whole');
  write(request.slice(0, -5));
  for (const letter of 'whole') {
    await arrive();
    write(letter);
  }
  expect(await answers(1)).toEqual(['lane POST /lane whole']);
  write(request.slice(0, 10));
  await arrive();
  write(request.slice(10));
  expect((await answers(2))[1]).toBe('node POST /lane whole');
});

test('every byte of a request may come alone, behind another one', async () => {
  const { connect } = await open();
  const { write, answers } = connect();
  write(ask('/node', 'first'));
  await answers(1);
  for (const byte of ask('/lane', 'abc')) {
    write(byte);
    await arrive();
  }
  expect((await answers(2))[1]).toBe('node POST /lane abc');
});

test('a body that is too long is refused by Node before it has come', async () => {
  const { connect } = await open({
    front: (_request, response) => void response.writeHead(413).end('node POST /x long'),
  });
  const { write, answers } = connect();
  write(ask('/lane', '').replace('length: 0', 'length: 1001'));
  expect(await answers(1)).toEqual(['node POST /x long']);
});

test.each(['/node', '/maybe'])('what is not waited for is Node’s before its body has come: %s', async (path) => {
  const { connect } = await open({ front: (_request, response) => void response.end('node POST /x early') });
  const { write, answers } = connect();
  write(ask(path, 'xyz').slice(0, -1));
  expect(await answers(1)).toEqual(['node POST /x early']);
});

test('a connection can be upgraded and streamed on whatever was asked on it before', async () => {
  const upgrade = (_request: IncomingMessage, socket: NodeJS.WritableStream) =>
    void socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nnode UP /lane graded',
    );
  const front: Front = (request, response) => {
    if (request.url === '/node') return answerByNode(request, response);
    response.write('node POST /stream one');
    setImmediate(() => response.end('node POST /stream two'));
  };
  for (const before of [[], ['/lane'], ['/node'], ['/lane', '/node', '/lane']]) {
    const { connect } = await open({
      front,
      longLived: { upgrade, leave() {} },
      serve: (r) => r.head.url === '/lane' && answerOnLane(r),
    });
    for (const last of [
      ask('/maybe', '', 'POST', 'accept: text/event-stream\r\n'),
      'GET /lane HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    ]) {
      const { write, answers } = connect();
      for (const [n, path] of before.entries()) {
        write(ask(path));
        await answers(n + 1);
      }
      write(last);
      const [end] = (await answers(before.length + 1)).slice(before.length);
      expect(end).toMatch(/^node (UP \/lane graded|POST \/stream one)$/);
    }
  }
});

const IMPATIENT = { headersMs: 60, requestMs: 120, checkMs: 10 };

test.each([
  ['says nothing', ''],
  ['stops within a body', ask('/lane', 'abc').slice(0, -1)],
  ['stops within a head', ask('/lane', 'abc').slice(0, 20)],
])('a client that %s is told 408', async (_title, bytes) => {
  const { connect } = await open({ patience: IMPATIENT });
  const { write, closed, received } = connect();
  write(bytes);
  await closed();
  expect(received()).toMatch(/^HTTP\/1\.1 408 .*"code":"BAD_REQUEST"/s);
});

test('who does not read gets no further answers until they do', async () => {
  let served = 0;
  const answer = 'x'.repeat(1_000_000);
  const { connect } = await open({
    serve({ socket }) {
      served++;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`);
      return true;
    },
  });
  const { socket, write, received } = connect();
  socket.pause();
  for (let n = 0; n < 100; n++) {
    write(ask('/lane'));
    await arrive();
  }
  expect(served).toBeGreaterThan(0);
  expect(served).toBeLessThan(50);
  socket.resume();
  const answers = () => received().match(/HTTP\/1\.1 200/g)?.length ?? 0;
  for (let last = 0; answers() < 100 && !socket.closed; last = received().length)
    while (received().length === last && !socket.closed) await loopTurn();
  expect(answers()).toBe(100);
});

test('a client that goes away is told of once: within its body, or before its answer', async () => {
  const gone: string[] = [];
  const { connect, abandoned } = await open({
    serve: (request) => {
      request.onGone = () => gone.push(request.head.url);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const signal = request.gone();
      expect(request.gone()).toBe(signal);
      signal.addEventListener('abort', () => resolve(false));
      return promise;
    },
  });
  const [within, before] = [connect(), connect()];
  within.write(ask('/lane', 'abc').slice(0, -1));
  before.write(ask('/maybe'));
  await Promise.all([once(within.socket, 'connect'), once(before.socket, 'connect')]);
  await arrive();
  within.socket.destroy();
  before.socket.destroy();
  while (abandoned.length === 0 || gone.length === 0) await loopTurn();
  await arrive();
  expect(abandoned).toEqual([null]);
  expect(gone).toEqual(['/maybe']);
});

test('a client that ends its side gets what Node would give it: nothing more', async () => {
  const { connect } = await open({ serve: () => new Promise(() => {}) });
  const { write, socket, closed, received } = connect();
  write(ask('/lane'));
  socket.end();
  await closed();
  expect(received()).toBe('');
});

test('a drain ends idle connections of both ways, and lets each answer that is under way be its last', async () => {
  const { promise: told, resolve: tell } = Promise.withResolvers<boolean>();
  const { listener, connect } = await open({
    serve: (request) =>
      request.head.url === '/maybe' ? told.then(() => answerOnLane(request)) : answerOnLane(request),
  });
  const clients = { fresh: connect(), lane: connect(), both: connect(), slow: connect(), bothSlow: connect() };
  clients.lane.write(ask('/lane'));
  clients.both.write(ask('/node'));
  clients.bothSlow.write(ask('/node'));
  await Promise.all([clients.lane.answers(1), clients.both.answers(1), clients.bothSlow.answers(1)]);
  clients.slow.write(ask('/maybe'));
  clients.bothSlow.write(ask('/maybe'));
  await arrive();
  const drained = listener.drain(0);
  await Promise.all([clients.fresh.closed(), clients.lane.closed(), clients.both.closed()]);
  expect(clients.slow.socket.closed).toBe(false);
  tell(true);
  for (const slow of [clients.slow, clients.bothSlow]) {
    expect((await slow.answers(1)).at(-1)).toBe('lane POST /maybe x');
    expect(slow.received()).toContain('connection: close');
  }
  await drained;
});

test('in a drain Node answers what the lane cannot after all, on a connection that it knew to be idle', async () => {
  const { promise: told, resolve: tell } = Promise.withResolvers<boolean>();
  const { listener, connect } = await open({ serve: () => told });
  const { write, answers, received, closed } = connect();
  write(ask('/node'));
  await answers(1);
  write(ask('/lane', 'late'));
  await arrive();
  const drained = listener.drain(0);
  await arrive();
  tell(false);
  expect((await answers(2))[1]).toBe('node POST /lane late');
  expect(received().toLowerCase()).toContain('connection: close');
  await closed();
  await drained;
});

test('in a drain the connection of a slow reader ends behind the answer that was being written', async () => {
  const long = 'x'.repeat(30_000_000);
  const { listener, connect } = await open({
    serve({ socket }) {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${long.length}\r\n\r\n${long}`);
      return true;
    },
  });
  const { socket, write, received, closed } = connect();
  socket.pause();
  write(ask('/lane'));
  await arrive();
  const drained = listener.drain(0);
  await arrive();
  socket.resume();
  await closed();
  await drained;
  expect(received().endsWith(long)).toBe(true);
});

test('a request that is given to Node within its body, with the next one behind it or in a drain, is told of', async () => {
  const { promise: until, resolve: leave } = Promise.withResolvers<void>();
  const { listener, connect, leftToNode, abandoned } = await open();
  const [followed, drained] = [connect(), connect()];
  followed.write(ask('/lane', 'abc').slice(0, -1));
  drained.write(ask('/lane', 'abc').slice(0, -1));
  await Promise.all([once(followed.socket, 'connect'), once(drained.socket, 'connect')]);
  await arrive();
  followed.write(`c${ask('/lane', 'next')}`);
  expect(await followed.answers(2)).toEqual(['node POST /lane abc', 'node POST /lane next']);
  expect(leftToNode.count).toBe(1);
  followed.socket.destroy();
  const over = listener.drain(until);
  drained.write('c');
  expect(await drained.answers(1)).toEqual(['node POST /lane abc']);
  expect(leftToNode.count).toBe(2);
  expect(abandoned).toEqual([]);
  leave();
  await over;
});

test('while others are told to go elsewhere, whoever asks on an open connection is told by Node', async () => {
  const { promise: until, resolve: leave } = Promise.withResolvers<void>();
  const { listener, connect } = await open();
  const [lane, both] = [connect(), connect()];
  lane.write(ask('/lane'));
  both.write(ask('/node'));
  await Promise.all([lane.answers(1), both.answers(1)]);
  const drained = listener.drain(until);
  for (const client of [lane, both]) {
    client.write(ask('/lane', 'again'));
    expect((await client.answers(2))[1]).toBe('node POST /lane again');
    expect(client.received().toLowerCase()).toContain('connection: close');
    await client.closed();
  }
  leave();
  await drained;
});

test('a long answer by Node reaches a slow reader whole, and the next request is answered behind it', async () => {
  const long = 'x'.repeat(3_000_000);
  const { connect } = await open({ front: (_request, response) => void response.end(long) });
  const { socket, write, answers, received } = connect();
  socket.pause();
  write(ask('/node'));
  await arrive();
  write(ask('/lane', 'next'));
  await arrive();
  socket.resume();
  expect(await answers(1)).toEqual(['lane POST /lane next']);
  expect(received().length).toBeGreaterThan(long.length);
  expect(received().indexOf('lane POST')).toBeGreaterThan(long.length);
});
