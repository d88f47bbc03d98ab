// Request bodies that are no GraphQL request: each is refused in GraphQL's shape, at no cost upstream.
import { describe, expect, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';
import { bugs, expectRefused, head, openSocket, post, requestLines, TYPENAME } from './requests.ts';

const ANSWER = { data: { __typename: 'Query' } };
const withId = (latin1: string) => Buffer.from(`{"query":"{ user(id: \\"${latin1}\\") { id } }"}`, 'latin1');

test.each<[string, (string | Uint8Array<ArrayBuffer>)[]]>([
  ['is no JSON', ['', ' \n', '{"query": tok_secret', '{"tok_secret"}', '["tok_secret"', '{"query":"tok_secret']],
  ['is no JSON object', ['"{ __typename }"', '1', 'true', 'null', '[]']],
  ['is a batch, which is switched off', [`[${TYPENAME},${TYPENAME}]`]],
  ['names no document', ['{}', '{"query":null}', '{"variables":{"id":"anna"}}']],
  ['has an unknown parameter', ['{"query":"{ __typename }","queryId":"1"}']],
  ['has a parameter named __proto__', ['{"query":"{ __typename }","__proto__":{"query":"{ __typename }"}}']],
  ['has a parameter named constructor', ['{"query":"{ __typename }","constructor":{"prototype":{}}}']],
  ['has variables that are text', ['{"query":"{ __typename }","variables":"{}"}']],
  ['has extensions that are a number', ['{"query":"{ __typename }","extensions":1}']],
  ['is 90 lists deep', ['['.repeat(90) + ']'.repeat(90), `{"query":${'['.repeat(90)}${']'.repeat(90)}}`]],
  ['is no UTF-8', [new Uint8Array(Buffer.from(TYPENAME, 'utf16le')), new Uint8Array([0xff, 0xfe, 0x00, 0x80])]],
  ['holds what is no UTF-8, a half or an overlong character', ['\xc3\x28', '\xed\xa0\x80', '\xc0\xaf'].map(withId)],
])('a body that %s is a BAD_REQUEST with 400', async (_title, bodies) => {
  const gateway = await openGateway();
  for (const body of bodies) expect(await expectRefused(gateway, await post(gateway, body), 400)).not.toContain('tok_');
});

test.each([
  null,
  ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'],
  ...['text/plain; application/json', 'application/graphql', 'application/graphql+json', 'application/jsonp'],
  ...['utf-16', 'UTF-16LE', '"utf-7"', 'utf-8x', 'utf-8; charset=utf-32'].map(
    (name) => `application/json;charset=${name}`,
  ),
  'application/json; boundary=x; charset=iso-8859-1',
])('a body of type "%s" is refused with 415 and the remedy', async (type) => {
  const gateway = await openGateway();
  const remedy = type?.includes('charset') ? 'UTF-8' : 'application/json';
  expect(await expectRefused(gateway, await post(gateway, TYPENAME, type), 415)).toContain(remedy);
});

test.each([
  ...['application/json', 'APPLICATION/Json', 'application/json; profile=x', 'application/json ; charset=UTF-8'],
  ...['application/json;charset=utf-8', 'application/json; charset="utf-8"', 'application/json; charset=utf8'],
])('a body of type "%s" is taken', async (type) => {
  expect(await (await post(await openGateway(), TYPENAME, type)).json()).toEqual(ANSWER);
});

test.each(['{"__proto__":{"id":"anna"}}', '{"constructor":{"id":"anna"}}', '{"id":{"__proto__":"anna"}}'])(
  '__proto__ and constructor in variables are names like any other: %s',
  async (variables) => {
    const gateway = await openGateway();
    const body = `{"query":"query ($id: ID!) { user(id: $id) { id } }","variables":${variables}}`;
    await expectRefused(gateway, await post(gateway, body), 200, 'BAD_USER_INPUT');
    expect(Object.hasOwn(Object.prototype, 'id')).toBe(false);
  },
);

test('__proto__ and constructor as aliases, operations, fragments and ids answer like any other name', async () => {
  const gateway = await openGateway();
  const query = `query constructor { __proto__: user(id: "__proto__") { ...__proto__ } constructor: user(id: "constructor") { id } }
    fragment __proto__ on User { id }`;
  const response = await post(gateway, JSON.stringify({ query, operationName: 'constructor' }));
  expect(await response.text()).toBe('{"data":{"__proto__":{"id":"__proto__"},"constructor":{"id":"constructor"}}}');
});

describe('where a body may have 2048 bytes', () => {
  const ANSWERED = /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n.*"The request body is larger than 2048 bytes\.".*\}$/is;

  /** A connection on which a request has begun. */
  async function begin(headers: string, body = '') {
    const gateway = await openGateway({ config: { maxBodyBytes: 2048 } });
    const connection = openSocket(gateway);
    await connection.write(head(headers) + body);
    return { ...connection, gateway };
  }

  test('one that long is taken, one more byte is 413', async () => {
    const gateway = await openGateway({ config: { maxBodyBytes: 2048 } });
    expect(await (await post(gateway, TYPENAME.padEnd(2048))).json()).toEqual(ANSWER);
    await expectRefused(gateway, await post(gateway, TYPENAME.padEnd(2049)), 413);
  });

  test('one that is announced as too large is 413 before a byte of it is sent', async () => {
    const { gateway, until, socket, closed } = await begin('Content-Length: 50000000');
    await until(ANSWERED);
    socket.end();
    await closed;
    expect(await requestLines(gateway)).toMatchObject([{ status: 413, errorCodes: ['BAD_REQUEST'], upstreamCalls: 0 }]);
    expect(bugs(gateway)).toEqual([]);
  });

  test('a chunked one is 413 as soon as it is too large, however long it would go on', async () => {
    const { gateway, until } = await begin('Transfer-Encoding: chunked', `800\r\n${'x'.repeat(2048)}\r\n1\r\nx\r\n`);
    await until(ANSWERED);
    expect(bugs(gateway)).toEqual([]);
  });

  test('a client that sends a larger one to the end is not cut off before it has read the answer', async () => {
    const { gateway, until, closed, failure } = await begin('Content-Length: 900000', 'x'.repeat(900_000));
    await until(ANSWERED);
    await closed;
    expect(failure()).toBeNull();
    expect(await requestLines(gateway)).toMatchObject([{ status: 413, aborted: false }]);
  });

  test('a client that does not stop sending is cut off', async () => {
    const { gateway, write, closed, socket } = await begin('Transfer-Encoding: chunked');
    while (!socket.destroyed) await write(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    await closed;
    expect(bugs(gateway)).toEqual([]);
    expect(await gateway.data('{ __typename }')).toEqual(ANSWER.data);
  });

  test('a client that goes away in the middle of one is no bug of ours', async () => {
    const { gateway, socket } = await begin('Content-Length: 1000', '{"query":');
    socket.destroy();
    expect(await requestLines(gateway)).toMatchObject([{ aborted: true, upstreamCalls: 0 }]);
    expect(bugs(gateway)).toEqual([]);
    expect(await gateway.data('{ __typename }')).toEqual(ANSWER.data);
  });
});
