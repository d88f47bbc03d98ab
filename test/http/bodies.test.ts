// Request bodies that are no GraphQL request: each is refused in GraphQL's shape, at no cost upstream.
import { expect, test } from 'vitest';
import {
  bugs,
  codesOf,
  expectRefused,
  head,
  openEmptyGateway,
  openSocket,
  post,
  readRefusal,
  requestLines,
} from './requests.ts';

const LIMIT = 2048;
const openLimited = () => openEmptyGateway({}, { maxBodyBytes: LIMIT });
const withId = (latin1: string) => Buffer.from(`{"query":"{ user(id: \\"${latin1}\\") { id } }"}`, 'latin1');
const TYPENAME = '{"query":"{ __typename }"}';

test.each<[string, string | Uint8Array<ArrayBuffer>]>([
  ['an empty body', ''],
  ['white space', ' \n'],
  ['broken JSON', '{"query":"{ __typename }"'],
  ['an HTML page', '<html>'],
  ['a string', '"{ __typename }"'],
  ['a number', '1'],
  ['true', 'true'],
  ['null', 'null'],
  ['an empty array', '[]'],
  ['a batch, which is switched off', `[${TYPENAME},${TYPENAME}]`],
  ['an unknown parameter', '{"query":"{ __typename }","queryId":"1"}'],
  ['a parameter named __proto__', '{"query":"{ __typename }","__proto__":{"query":"{ __typename }"}}'],
  ['a parameter named constructor', '{"query":"{ __typename }","constructor":{"prototype":{}}}'],
  ['variables that are text', '{"query":"{ __typename }","variables":"{}"}'],
  ['extensions that are a number', '{"query":"{ __typename }","extensions":1}'],
  ['90 nested lists', '['.repeat(90) + ']'.repeat(90)],
  ['90 nested lists as the query', `{"query":${'['.repeat(90)}${']'.repeat(90)}}`],
  ['UTF-16', new Uint8Array(Buffer.from(TYPENAME, 'utf16le'))],
  ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0x00, 0x80])],
  ['an id with bytes that are no UTF-8', withId('\xc3\x28')],
  ['an id with a lone half of a character', withId('\xed\xa0\x80')],
  ['an id with more bytes than the character needs', withId('\xc0\xaf')],
])('%s is a BAD_REQUEST with 400', async (_title, body) => {
  const gateway = await openEmptyGateway();
  await expectRefused(gateway, await post(gateway, body), 400);
});

test.each([
  null,
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/plain; application/json',
  'application/graphql',
  'application/graphql+json',
  'application/jsonp',
  'application/json; charset=utf-16',
  'application/json; charset=UTF-16LE',
  'application/json;charset="utf-7"',
  'application/json; charset=utf-8; charset=utf-32',
  'application/json; boundary=x; charset=iso-8859-1',
  'application/json; charset=utf-8x',
])('a body of type "%s" is refused with 415 and the remedy', async (type) => {
  const gateway = await openEmptyGateway();
  const remedy = type?.includes('charset') ? 'UTF-8' : 'application/json';
  expect(await expectRefused(gateway, await post(gateway, TYPENAME, type), 415)).toContain(remedy);
});

test.each([
  'application/json',
  'APPLICATION/Json',
  'application/json;charset=utf-8',
  'application/json ; charset=UTF-8',
  'application/json; charset="utf-8"',
  'application/json; charset=utf8',
  'application/json; profile=x',
])('a body of type "%s" is taken', async (type) => {
  const gateway = await openEmptyGateway();
  expect(await (await post(gateway, TYPENAME, type)).json()).toEqual({ data: { __typename: 'Query' } });
});

test.each([
  ['variables', '{"__proto__":{"id":"anna"}}'],
  ['variables', '{"constructor":{"id":"anna"}}'],
  ['a variable', '{"id":{"__proto__":"anna"}}'],
])('__proto__ and constructor in %s are names like any other: %s', async (_title, variables) => {
  const gateway = await openEmptyGateway();
  const body = `{"query":"query ($id: ID!) { user(id: $id) { id } }","variables":${variables}}`;
  expect(codesOf(await readRefusal(gateway, await post(gateway, body)))).toEqual(['BAD_USER_INPUT']);
  expect(Object.hasOwn(Object.prototype, 'id')).toBe(false);
});

test('__proto__ and constructor as aliases, operations, fragments and ids answer like any other name', async () => {
  const gateway = await openEmptyGateway();
  const query = `query constructor { __proto__: user(id: "__proto__") { ...__proto__ } constructor: user(id: "constructor") { id } }
    fragment __proto__ on User { id }`;
  const response = await post(gateway, JSON.stringify({ query, operationName: 'constructor' }));
  expect(await response.text()).toBe('{"data":{"__proto__":{"id":"__proto__"},"constructor":{"id":"constructor"}}}');
});

test('a body as long as one may be is taken, one more byte is 413', async () => {
  const gateway = await openLimited();
  const whole = await post(gateway, TYPENAME.padEnd(LIMIT));
  expect(await whole.json()).toEqual({ data: { __typename: 'Query' } });
  const tooLarge = await post(gateway, TYPENAME.padEnd(LIMIT + 1));
  await expectRefused(gateway, tooLarge, 413);
});

const ANSWERED = /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n.*"The request body is larger than 2048 bytes\.".*\}$/is;

test('a body that is announced as too large is 413 before a byte of it is sent', async () => {
  const gateway = await openLimited();
  const { write, until, socket, closed } = openSocket(gateway);
  await write(head('Content-Length: 50000000'));
  await until(ANSWERED);
  socket.end();
  await closed;
  expect(await requestLines(gateway)).toMatchObject([{ status: 413, errorCodes: ['BAD_REQUEST'], upstreamCalls: 0 }]);
  expect(bugs(gateway)).toEqual([]);
});

test('a chunked body is 413 as soon as it is too large, however long it would go on', async () => {
  const gateway = await openLimited();
  const { write, until } = openSocket(gateway);
  await write(`${head('Transfer-Encoding: chunked')}800\r\n${'x'.repeat(2048)}\r\n1\r\nx\r\n`);
  await until(ANSWERED);
  expect(bugs(gateway)).toEqual([]);
});

test('a client that sends its too large body to the end is not cut off before it has read the answer', async () => {
  const gateway = await openLimited();
  const { write, until, closed, failure } = openSocket(gateway);
  await write(head('Content-Length: 900000') + 'x'.repeat(900_000));
  await until(ANSWERED);
  await closed;
  expect(failure()).toBeNull();
  expect(await requestLines(gateway)).toMatchObject([{ status: 413, aborted: false }]);
});

test('a client that does not stop sending is cut off', async () => {
  const gateway = await openLimited();
  const { write, closed, socket } = openSocket(gateway);
  await write(head('Transfer-Encoding: chunked'));
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  while (!socket.destroyed) await write(chunk);
  await closed;
  expect(bugs(gateway)).toEqual([]);
  expect(await gateway.data('{ __typename }')).toEqual({ __typename: 'Query' });
});

test('a client that goes away in the middle of its body is no bug of ours', async () => {
  const gateway = await openEmptyGateway();
  const { write, socket } = openSocket(gateway);
  await write(`${head('Content-Length: 1000')}{"query":`);
  socket.destroy();
  expect(await requestLines(gateway)).toMatchObject([{ aborted: true, upstreamCalls: 0 }]);
  expect(bugs(gateway)).toEqual([]);
  expect(await gateway.data('{ __typename }')).toEqual({ __typename: 'Query' });
});
