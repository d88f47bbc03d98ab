// HTTP as nobody sends it by accident: each is refused with a 4xx and a code, costs nothing upstream, and harms nobody else.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createListener } from '../../src/server/listener.ts';
import type { House } from '../support/house.ts';
import { bugs, codesOf, get, head, openEmptyHouse, openSocket, post, readRefusal } from './requests.ts';

const TYPENAME = '{"query":"{ __typename }"}';
const START = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

type Refused = { status: number; code: string; headers: string };

/** Sends bytes, and reads the one refusal with which the house closes the connection. */
async function refusedOver(house: House, bytes: string): Promise<Refused> {
  const { hostname, port } = new URL(house.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  const received = await text(socket);
  const [, status, headers = '', body = ''] = /^HTTP\/1\.1 (\d+) [^\r]*\r\n(.*?)\r\n\r\n(.*)$/s.exec(received) ?? [];
  expect(headers.toLowerCase()).toContain('connection: close');
  expect(headers.toLowerCase()).toMatch(/x-request-id: [\w-]{36}/);
  const { errors } = JSON.parse(body);
  expect(errors).toHaveLength(1);
  expect(house.sandbox.calls.count()).toBe(0);
  expect(bugs(house)).toEqual([]);
  return { status: Number(status), code: errors[0].extensions.code, headers };
}

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ['a method that nobody knows', 'BREW /graphql HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a version that nobody knows', 'GET /graphql HTTP/9.9\r\nHost: a\r\n\r\n', 400],
  ['no host', 'GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a header with a space in its name', `${START}X Y: 1\r\n\r\n`, 400],
  ['a header that goes on in the next line', `${START}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`, 400],
  ['lines that end without a carriage return', `${START}X-A: 1\nX-B: 2\r\n\r\n`, 400],
  ['a NUL in a header', `${START}X-A: a\0b\r\n\r\n`, 400],
  ['two lengths', `${START}Content-Length: 26\r\nContent-Length: 27\r\n\r\n${TYPENAME}`, 400],
  ['a length that is no number', `${START}Content-Length: 0x1a\r\n\r\n${TYPENAME}`, 400],
  ['a negative length', `${START}Content-Length: -1\r\n\r\n`, 400],
  ['a length and chunks', `${START}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunks and a length', `${START}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`, 400],
  ['chunks twice', `${START}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunks that are compressed', `${START}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunks that are not the last coding', `${START}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
  ['chunks by another name', `${START}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  ['a chunk size that is no number', `${START}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['a chunk size beyond all numbers', `${START}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n`, 400],
  ['a chunk with more than it says', `${START}Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n`, 400],
  ['chunk extensions without end', `${START}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`, 413],
  ['headers of more than 16 kB', `${START}X-A: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
  ['ten thousand headers', `${START}${'a:b\r\n'.repeat(10_000)}\r\n`, 431],
  ['a URL of more than 16 kB', `GET /graphql?query=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ['a URL of more than 8 kB', `GET /graphql?query=${'x'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['an expectation that nobody can meet', `${START}Expect: 200-ok\r\nContent-Length: 1\r\n\r\n`, 417],
])('%s is refused', async (_title, bytes, status) => {
  const house = await openEmptyHouse();
  expect(await refusedOver(house, bytes)).toMatchObject({ status, code: 'BAD_REQUEST' });
  expect(await house.data('{ __typename }')).toEqual({ __typename: 'Query' });
});

test('nonsense behind a good request is refused after that has been answered', async () => {
  const house = await openEmptyHouse();
  const { write, until, closed } = openSocket(house);
  await write(`${head(`Content-Length: ${TYPENAME.length}`)}${TYPENAME}nonsense\r\n\r\n`);
  expect(await until(/BAD_REQUEST/)).toMatch(/^HTTP\/1\.1 200 .*"__typename":"Query".*HTTP\/1\.1 400 /s);
  await closed;
  expect(bugs(house)).toEqual([]);
});

test('of hundreds of requests that a client sends in one go a hundred run, and one tells why no more', async () => {
  const house = await openEmptyHouse();
  house.sandbox.world.importAccount('anna', { Tag_Profile_IM_Nick: 'Anna' });
  const body = '{"query":"{ user(id: \\"anna\\") { nick } }"}';
  const { write, closed, until } = openSocket(house);
  await write(`${head(`Content-Length: ${body.length}`)}${body}`.repeat(300));
  const received = await until(/THROTTLED.*\}$/);
  await closed;
  expect(received.match(/"nick":"Anna"/g)).toHaveLength(100);
  expect(received.match(/HTTP\/1\.1 429 /g)).toHaveLength(1);
  expect(bugs(house)).toEqual([]);
});

test('a client of HTTP/1.0, which names no host, is answered and its connection closed', async () => {
  const house = await openEmptyHouse();
  const { write, until, closed } = openSocket(house);
  await write(`POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n${TYPENAME}`);
  expect(await until(/"Query"/)).toMatch(/^HTTP\/1\.1 200 /);
  await closed;
});

test('a client that asks first whether it may send its body is told to go on', async () => {
  const house = await openEmptyHouse();
  const { write, until } = openSocket(house);
  await write(head('Expect: 100-continue\r\nContent-Length: 26'));
  await until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  await write(TYPENAME);
  await until(/"Query"/);
});

test.each(['gzip', 'GZIP', 'br', 'deflate', 'gzip, gzip', 'identity, gzip', 'x'])(
  'a body with the content-encoding "%s" is refused with 415, however little it would become',
  async (encoding) => {
    const house = await openEmptyHouse();
    const body = new Uint8Array(gzipSync('x'.repeat(1_000_000)));
    const response = await post(house, body, 'application/json', { 'content-encoding': encoding });
    expect(response.status).toBe(415);
    expect(codesOf(await readRefusal(house, response))).toEqual(['BAD_REQUEST']);
  },
);

test.each([
  'application/json; charset=utf-16',
  'application/json; charset=UTF-16LE',
  'application/json;charset="utf-7"',
  'application/json; charset=utf-8; charset=utf-32',
  'application/json; boundary=x; charset=iso-8859-1',
  'application/json; charset=utf-8x',
])('a body of type "%s" is refused with 415', async (type) => {
  const house = await openEmptyHouse();
  const response = await post(house, TYPENAME, type);
  expect(response.status).toBe(415);
  expect(codesOf(await readRefusal(house, response))).toEqual(['BAD_REQUEST']);
});

test.each(['application/json; charset="utf-8"', 'application/json; charset=utf8', 'application/json; profile=x'])(
  'a body of type "%s" is taken',
  async (type) => {
    const house = await openEmptyHouse();
    expect(await (await post(house, TYPENAME, type)).json()).toEqual({ data: { __typename: 'Query' } });
  },
);

test('a body that begins with a byte order mark is a BAD_REQUEST', async () => {
  const house = await openEmptyHouse();
  const response = await post(house, `\uFEFF${TYPENAME}`);
  expect(response.status).toBe(400);
  expect(codesOf(await readRefusal(house, response))).toEqual(['BAD_REQUEST']);
});

test('of equal names in a body the last one counts, for all who look at it', async () => {
  const house = await openEmptyHouse();
  const body = '{"query":"mutation { __typename }","query":"{ a: __typename }","variables":1,"variables":{}}';
  expect(await (await post(house, body)).json()).toEqual({ data: { a: 'Query' } });
});

test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
  '%s in extensions and parameters of a URL is a name like any other',
  async (name) => {
    const house = await openEmptyHouse();
    const extensions = `{"${name}":{"polluted":true}}`;
    const posted = await post(house, `{"query":"{ __typename }","extensions":${extensions}}`);
    expect(await posted.json()).toEqual({ data: { __typename: 'Query' } });
    const got = await get(house, { query: '{ __typename }', extensions });
    expect(await got.json()).toEqual({ data: { __typename: 'Query' } });
    await get(house, { query: '{ __typename }', [name]: 'x' });
    expect(bugs(house)).toEqual([]);
    expect('polluted' in {}).toBe(false);
  },
);

describe('a client that takes its time', () => {
  /** A listener with little patience, before something that waits for the body. */
  async function openImpatient() {
    const patience = { headersMs: 50, requestMs: 100, checkMs: 10 };
    const listener = createListener(
      (request, response) =>
        void text(request).then(
          (body) => response.end(body),
          () => {},
        ),
      systemClock,
      { patience },
    );
    onTestFinished(() => listener.destroy());
    return connect(Number(new URL(await listener.listen(0, '127.0.0.1')).port), '127.0.0.1');
  }

  test.each([
    ['over its headers', 'POST /graphql HTTP/1.1\r\nHost: a\r\nX-A: '],
    ['over its body', `${START}Content-Length: 100\r\n\r\n{`],
    ['over a chunk', `${START}Transfer-Encoding: chunked\r\n\r\n5\r\n{`],
  ])('%s is told 408 in JSON, and cut off', async (_title, bytes) => {
    const socket = await openImpatient();
    socket.write(bytes);
    const received = await text(socket);
    expect(received).toMatch(/^HTTP\/1\.1 408 .*"code":"BAD_REQUEST"/s);
    expect(received.toLowerCase()).toContain('connection: close');
  });

  test('is not waited for when it has gone', async () => {
    const socket = await openImpatient();
    socket.write(`${START}Content-Length: 100\r\n\r\n{`);
    socket.end();
    expect(await text(socket)).toBe('');
  });
});
