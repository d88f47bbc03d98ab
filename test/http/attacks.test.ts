// Hostile HTTP: each request is refused with a 4xx and a code, costs nothing upstream, and harms no other client.
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';
import { bugs, expectRefused, head, openSocket, post, TYPENAME } from './requests.ts';

const START = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['no host', 'GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a header that goes on in the next line', `${START}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`, 400],
  ['lines that end without a carriage return', `${START}X-A: 1\nX-B: 2\r\n\r\n`, 400],
  ['two lengths', `${START}Content-Length: 26\r\nContent-Length: 27\r\n\r\n${TYPENAME}`, 400],
  ['a length and chunks', `${START}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunks that are not the last coding', `${START}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
  ['chunk extensions without end', `${START}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`, 413],
  ['headers of more than 16 kB', `${START}X-A: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
  ['a URL of more than 16 kB', `GET /graphql?query=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ['nonsense behind a good request', `${head('Content-Length: 26')}${TYPENAME}nonsense\r\n\r\n`, 400],
  ['an expectation that nobody can meet', `${START}Expect: 200-ok\r\nContent-Length: 1\r\n\r\n`, 417],
])('%s is refused once, and the connection closed', async (_title, bytes, status) => {
  const gateway = await openGateway();
  const { socket } = openSocket(gateway);
  socket.write(bytes);
  const received = await text(socket);
  expect(received).toMatch(/connection: close/i);
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
  expect(gateway.sandbox.calls.count()).toBe(0);
  expect(bugs(gateway)).toEqual([]);
  expect(await gateway.data('{ __typename }')).toEqual({ __typename: 'Query' });
});

test('a request of HTTP/1.0, which names no host, is answered and its connection closed', async () => {
  const { socket } = openSocket(await openGateway());
  socket.write(`POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n${TYPENAME}`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*"Query"/s);
});

test('a client that asks first whether it may send its body is told to go on', async () => {
  const { write, until } = openSocket(await openGateway());
  await write(head('Expect: 100-continue\r\nContent-Length: 26'));
  await until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  await write(TYPENAME);
  await until(/"Query"/);
});

test.each(['gzip', 'GZIP', 'br', 'deflate', 'gzip, gzip', 'identity, gzip', 'x'])(
  'a body with the content-encoding "%s" is refused with 415, however little it would become',
  async (encoding) => {
    const gateway = await openGateway();
    const body = new Uint8Array(gzipSync('x'.repeat(1_000_000)));
    await expectRefused(gateway, await post(gateway, body, undefined, { 'content-encoding': encoding }), 415);
  },
);

test('of equal names in a body the last one counts, for all who look at it', async () => {
  const gateway = await openGateway();
  const body = '{"query":"mutation { __typename }","query":"{ a: __typename }","variables":1,"variables":{}}';
  expect(await (await post(gateway, body)).json()).toEqual({ data: { a: 'Query' } });
});
