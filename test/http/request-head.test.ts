// Heads that are read without Node's parser: whatever is read is what Node reads, and what is doubtful is not read.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createHeadReader, readHead } from '../../src/http/request-head.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function livingBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const numRuns = Number(process.env.FUZZ_RUNS) || 400;
const POST = 'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 2';

test('a usual head is read, with names in lower case and values without the space around them', () => {
  const head = readHead('POST /graphql HTTP/1.1\r\nHost: a:4000\r\nX-A:  b\tc \r\nContent-Length: 12\r\nX-Empty:');
  expect(head).toEqual({
    method: 'POST',
    url: '/graphql',
    headers: { host: 'a:4000', 'x-a': 'b\tc', 'content-length': '12', 'x-empty': '' },
    bodyBytes: 12,
  });
  expect(readHead('GET /graphql?query=%7B%7D HTTP/1.1\r\nhost: a')?.bodyBytes).toBe(0);
});

describe('left to Node is', () => {
  test.each([
    ['another version', POST.replace('1.1', '1.0')],
    ['another method', POST.replace('POST', 'PUT')],
    ['a target in another form', POST.replace('/graphql', 'http://a/graphql')],
    ['a target beyond ASCII', POST.replace('/graphql', '/gräphql')],
    ['two spaces', POST.replace('POST ', 'POST  ')],
    ['a request line that ends with a space', POST.replace('HTTP/1.1', 'HTTP/1.1 ')],
    ['no host', POST.replace('host', 'x-host')],
    ['a length that is repeated', `${POST}\r\ncontent-length: 2`],
    ['a length with a sign', POST.replace(': 2', ': +2')],
    ['a length in other digits', POST.replace(': 2', ': 0x2')],
    ['a length that is a list', POST.replace(': 2', ': 2, 2')],
    ['an empty length', POST.replace(': 2', ':')],
    ['a POST without a length', POST.replace('content-length', 'x-length')],
    ['chunks', `${POST}\r\ntransfer-encoding: chunked`],
    ['chunks in another spelling', `${POST}\r\nTransfer-Encoding:\tCHUNKED`],
    ['a connection that is to be closed', `${POST}\r\nconnection: close`],
    ['an upgrade', `${POST}\r\nupgrade: websocket`],
    ['an expectation', `${POST}\r\nexpect: 100-continue`],
    ['any header that is repeated', `${POST}\r\nx-a: 1\r\nX-A: 1`],
    ['a space before the colon', `${POST}\r\nx-a : 1`],
    ['a line that goes on', `${POST}\r\nx-a: 1\r\n 2`],
    ['a lone line feed', `${POST}\r\nx-a: 1\nx-b: 2`],
    ['a lone carriage return', `${POST}\r\nx-a: 1\rx-b: 2`],
    ['nothing but a request line', 'GET / HTTP/1.1'],
    ['an empty line', `${POST}\r\n`],
    ['a NUL', `${POST}\r\nx-a: \0`],
    ['a letter beyond ASCII', `${POST}\r\nx-a: ä`],
    ['a line without a name', `${POST}\r\n: 1`],
    ['a line without a colon', `${POST}\r\nx-a`],
    ['more than 8 kB', `${POST}\r\nx-a: ${'a'.repeat(8192)}`],
  ])('%s', (_title, text) => {
    expect(readHead(POST)).not.toBeNull();
    expect(readHead(text)).toBeNull();
  });
});

test('a name that every object has is a header like any other', () => {
  const head = readHead(`${POST}\r\n__proto__: a\r\nconstructor: b`);
  expect(Object.entries(head?.headers ?? {})).toContainEqual(['__proto__', 'a']);
  expect(head?.headers.constructor).toBe('b');
  expect(readHead(POST)?.headers.constructor).toBeUndefined();
});

test('the same lines give the same headers, and those of 100,000 different ones do not stay', () => {
  const read = createHeadReader();
  const first = read(POST);
  expect(read(POST)).toEqual(first);
  expect(read(POST.replace('/graphql', '/other'))?.headers).toBe(first?.headers);
  for (let n = 0; n < 100_000; n++) read(`${POST}\r\nx-n: ${n}`);
  expect(read(POST)?.headers).not.toBe(first?.headers);
});

test('what is kept of long heads is what is counted of them', () => {
  const read = createHeadReader();
  const path = 'a'.repeat(8000);
  const before = livingBytes();
  for (let n = 0; n < 20_000; n++) {
    const head = Buffer.from(`GET /${path} HTTP/1.1\r\nhost: a${n}`).toString('latin1');
    expect(read(head)?.headers.host).toBe(`a${n}`);
  }
  expect(livingBytes() - before).toBeLessThan(40_000_000);
  expect(read(POST)).not.toBeNull();
});

describe('against Node’s parser', () => {
  let port = 0;
  let seen: { request: IncomingMessage; body: string } | null = null;

  beforeAll(async () => {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request.setEncoding('latin1')) body += part;
      seen = { request, body };
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    return () => server.closeAllConnections();
  });

  /** What Node makes of a head and what follows; null when it refuses. */
  async function byNode(text: string, body: string) {
    seen = null;
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {}).end(Buffer.from(`${text}\r\n\r\n${body}`, 'latin1'));
    socket.resume();
    await once(socket, 'close');
    return seen as { request: IncomingMessage; body: string } | null;
  }

  const odd = fc.constantFrom(' ', '\t', '\r', '\n', '\r\n', '\0', ':', ',', 'ä', '\x7f', '"', '', '0', '_');
  const name = fc.constantFrom('x-a', 'X-B', 'content-length', 'Content-Length', 'host', 'transfer-encoding', 'accept');
  const value = fc.constantFrom('2', '3', 'chunked', 'a b', 'text/html, */*', '', 'keep-alive', '02', 'a\tb');
  const line = fc
    .tuple(
      fc.oneof(
        name,
        fc.tuple(name, odd).map((parts) => parts.join('')),
      ),
      odd,
      value,
      odd,
    )
    .map(([key, before, text, after]) => `${key}:${before}${text}${after}`);
  const start = fc.constantFrom(
    'POST /graphql HTTP/1.1',
    'GET /a?b=c%20d HTTP/1.1',
    'POST /graphql\tHTTP/1.1',
    'POST  / HTTP/1.1',
  );
  const random = fc
    .tuple(start, fc.array(line, { maxLength: 4 }))
    .map(([first, lines]) => [first, 'host: a', ...lines].join('\r\n'));

  test('random heads that are read are what Node reads', async () => {
    let read = 0;
    const property = fc.asyncProperty(random, async (text) => {
      const head = readHead(text);
      if (!head) return;
      read++;
      const body = 'xyz'.repeat(9).slice(0, head.bodyBytes);
      const node = await byNode(text, body);
      expect(node?.request.method).toBe(head.method);
      expect(node?.request.url).toBe(head.url);
      expect({ ...node?.request.headers }).toEqual({ ...head.headers });
      expect(node?.body).toBe(body);
    });
    await fc.assert(property, { numRuns });
    expect(read).toBeGreaterThan(numRuns / 50);
  });
});
