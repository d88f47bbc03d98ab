// What every answer tells browsers, and what Node would tell about itself.
import { expect, test } from 'vitest';
import { get, openEmptyGateway, post, streamHeaders } from './requests.ts';

const TYPENAME = '{"query":"{ __typename }"}';
const EXPECTED = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

test('every answer over HTTP forbids sniffing, frames, loading and referrers, and has an id of its own, whatever its status', async () => {
  const gateway = await openEmptyGateway({ GRAPHIQL: 'off' });
  const responses = [
    await post(gateway, TYPENAME),
    await post(gateway, '{'),
    await post(gateway, TYPENAME, 'text/plain'),
    await post(gateway, 'x'.repeat(200_000)),
    await get(gateway, { query: '{ __typename }' }),
    await get(gateway, { query: 'mutation { __typename }' }),
    await get(gateway, {}, { headers: { accept: 'image/png' } }),
    await fetch(`${gateway.url}/nowhere`),
    await fetch(`${gateway.url}/health/live`),
  ];
  expect(responses.map(({ status }) => status)).toEqual([200, 400, 415, 413, 200, 405, 406, 404, 200]);
  expect(new Set(responses.map(({ headers }) => headers.get('x-request-id'))).size).toBe(responses.length);
  for (const { headers } of responses) {
    expect(Object.fromEntries(headers)).toMatchObject(EXPECTED);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    for (const name of ['x-powered-by', 'server', 'strict-transport-security']) expect(headers.has(name)).toBe(false);
  }
});

test('a stream of events says the same', async () => {
  const gateway = await openEmptyGateway();
  expect(Object.fromEntries(await streamHeaders(gateway))).toMatchObject(EXPECTED);
});

test('GraphiQL may run its own script, byte for byte, and no other, and reaches only this gateway and the sandbox', async () => {
  const gateway = await openEmptyGateway();
  const { headers } = await get(gateway, {}, { headers: { accept: 'text/html' } });
  const policy = headers.get('content-security-policy');
  expect(policy).toMatch(/(^|; )script-src 'sha256-[\w+/]{43}='(;|$)/);
  for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"])
    expect(policy).toContain(part);
  expect(policy?.replace(/img-src data: http:\/\/127.0.0.1:\d+;/, '')).not.toMatch(/unsafe-eval|https?:|\*/);
  expect(headers.get('x-frame-options')).toBe('DENY');
});
