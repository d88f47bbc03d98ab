// Pages of other origins: which may read answers, and what happens to those that may not.
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { expectRefused, get, post, streamHeaders, TYPENAME } from './requests.ts';

const APP = 'https://app.example';
const OTHER = 'https://elsewhere.example';
const listed = { CORS_ORIGINS: `${APP}, http://localhost:3000, capacitor://localhost` };
const SECRET = 'the-secret-of-the-router';
const routed = { AUTH: 'header', VIEWER_HEADER_SECRET: SECRET };
/** What pages send, those that trace too: of one header that is refused, nothing is sent at all. */
const SENT = 'authorization,content-type,traceparent,x-app-version,x-viewer-id';

const ask = (gateway: TestGateway, origin: string, headers: Record<string, string> = {}) =>
  post(gateway, TYPENAME, 'application/json', { origin, ...headers });

const askBefore = (gateway: TestGateway, origin: string) => {
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': SENT };
  return fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers: { origin, ...asked } });
};

/** 101, or the status of the refusal. */
async function connectFrom(gateway: TestGateway, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const opened = new Promise<number>((resolve) => socket.once('open', () => resolve(101)));
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number);
  const status = await Promise.race([opened, refused.catch(() => opened)]);
  socket.on('error', () => {}).terminate();
  return status;
}

const corsHeaders = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

describe('with CORS_ORIGINS', () => {
  test.each([APP, 'http://localhost:3000', 'capacitor://localhost'])(
    'a page of %s may ask and read',
    async (origin) => {
      const gateway = await openGateway({ env: listed });
      const preflight = await askBefore(gateway, origin);
      expect(preflight.status).toBe(204);
      expect(corsHeaders(preflight)).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': SENT,
        'access-control-max-age': '7200',
      });

      const answer = await ask(gateway, origin);
      expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
      expect(corsHeaders(answer)).toEqual({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'x-request-id, etag, retry-after',
      });
    },
  );

  test('the page can read a stream of events too, and why it is refused; caches are told that answers depend on the origin', async () => {
    const gateway = await openGateway({ env: listed });
    const answers = [
      await ask(gateway, APP),
      await askBefore(gateway, APP),
      await post(gateway, 'x'.repeat(200_000), 'application/json', { origin: APP }),
      await post(gateway, TYPENAME, 'text/plain', { origin: APP }),
      await fetch(`${gateway.url}/nowhere`, { headers: { origin: APP } }),
      await ask(gateway, APP, { authorization: 'Bearer nonsense' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 413, 415, 404, 401]);
    const toThePage = [...answers.map(({ headers }) => headers), await streamHeaders(gateway, { origin: APP })];
    for (const headers of toThePage) expect(headers.get('access-control-allow-origin')).toBe(APP);
    const toOthers = [
      await ask(gateway, OTHER),
      await post(gateway, TYPENAME),
      await get(gateway, { query: '{ __typename }' }),
      await get(gateway, {}, { headers: { accept: 'text/html' } }),
    ];
    for (const headers of [...toThePage, ...toOthers.map(({ headers }) => headers)])
      expect(headers.get('vary')?.toLowerCase().split(', ')).toContain('origin');
  });

  test.each([
    ...[OTHER, 'null', 'http://app.example', 'https://app.example:8443', 'https://APP.example'],
    ...['https://app.example.elsewhere.example', 'https://xapp.example'],
  ])('a page of %s gets no CORS header', async (origin) => {
    const gateway = await openGateway({ env: listed });
    expect(corsHeaders(await ask(gateway, origin))).toEqual({});
    expect((await askBefore(gateway, origin)).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('cookies are let through only where something before the gateway can read them', async () => {
    const gateway = await openGateway({ env: { ...listed, ...routed } });
    expect((await ask(gateway, APP)).headers.get('access-control-allow-credentials')).toBe('true');
    expect((await ask(gateway, OTHER)).headers.get('access-control-allow-credentials')).toBeNull();
  });
});

test('with CORS_ORIGINS=* every page may read, without cookies, and no origin is repeated', async () => {
  const gateway = await openGateway({ env: { CORS_ORIGINS: '*' } });
  for (const answer of [await ask(gateway, OTHER), await askBefore(gateway, OTHER), await ask(gateway, 'null')]) {
    expect(corsHeaders(answer)['access-control-allow-origin']).toBe('*');
    expect(corsHeaders(answer)['access-control-allow-credentials']).toBeUndefined();
    expect(answer.headers.get('vary') ?? '').not.toContain('origin');
  }
});

describe('before a sandbox, without CORS_ORIGINS', () => {
  test.each(['http://127.0.0.1:5199', 'http://localhost:5173', 'https://localhost', 'http://[::1]:3000'])(
    'a page of this machine, such as %s, may ask and read, and open a WebSocket',
    async (origin) => {
      const gateway = await openGateway({ env: { AUTH: 'development' } });
      const preflight = await askBefore(gateway, origin);
      expect(preflight.headers.get('access-control-allow-headers')).toContain('x-viewer-id');
      for (const answer of [preflight, await ask(gateway, origin)])
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(await connectFrom(gateway, { origin })).toBe(101);
      expect(gateway.logLines.join('')).not.toContain('CORS_ORIGINS');
    },
  );

  test.each([
    ['http://localhost.example', 'development'],
    ['http://127.0.0.1.example:5173', 'development'],
    ['http://10.0.0.1', 'development'],
    ['file://', 'development'],
    [OTHER, 'development'],
    ['http://localhost:5173', 'production'],
  ])(
    'a page of %s may not in %s, which is in the log once, with the setting that lets it in',
    async (origin, NODE_ENV) => {
      const gateway = await openGateway({ env: { NODE_ENV } });
      for (let n = 0; n < 2; n++) {
        expect(corsHeaders(await ask(gateway, origin))).toEqual({});
        expect(await connectFrom(gateway, { origin })).toBe(403);
      }
      const told = gateway.logLines.filter((line) => line.includes('CORS_ORIGINS'));
      expect(told.map((line) => JSON.parse(line).origin)).toEqual([origin]);
    },
  );
});

/** How a GET without CORS arrives: an image, a script, a form. Only browsers can say so; fetch leaves the name alone. */
const simple = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
test.each<[title: string, status: 200 | 403, env: Record<string, string>, headers: Record<string, string>]>([
  ['a page of another site', 403, {}, { 'sec-fetch-site': 'cross-site', ...simple }],
  ['a page of another host of the site', 403, {}, { 'sec-fetch-site': 'same-site', ...simple }],
  ['a page that is not listed', 403, listed, { 'sec-fetch-site': 'cross-site', origin: OTHER }],
  ['a page that is listed, but sends no origin', 403, listed, { 'sec-fetch-site': 'cross-site', ...simple }],
  ['a frame', 403, {}, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
  ['a page of our own host', 200, {}, { 'sec-fetch-site': 'same-origin', origin: 'https://behind-a-proxy.example' }],
  ['a person at the address bar', 200, {}, { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document' }],
  ['a person who follows a link', 200, {}, { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }],
  ['a page that is listed', 200, listed, { 'sec-fetch-site': 'cross-site', origin: APP }],
  ['any page, where all may read', 200, { CORS_ORIGINS: '*' }, { 'sec-fetch-site': 'cross-site', ...simple }],
  ['a program', 200, {}, { origin: OTHER }],
])(
  'what %s asks by GET is answered with %i, and runs only where it can be read',
  async (_title, status, env, headers) => {
    const gateway = await openGateway({ env });
    const response = await get(gateway, { query: '{ user(id: "anna") { nick } }' }, { headers });
    if (status === 403) await expectRefused(gateway, response, status, 'FORBIDDEN');
    else expect(response.status).toBe(status);
  },
);

test.each<[title: string, status: 101 | 403, env: Record<string, string>, headers: Record<string, string>]>([
  ['a program', 101, listed, {}],
  ['our own pages', 101, listed, { origin: 'https://behind-a-proxy.example', 'sec-fetch-site': 'same-origin' }],
  ['pages at our own address', 101, listed, { origin: 'ours' }],
  ['pages that are listed', 101, listed, { origin: APP }],
  ['every page, where every page may read', 101, { CORS_ORIGINS: '*' }, { origin: OTHER }],
  ['another origin', 403, {}, { origin: OTHER }],
  ['another origin of the same site', 403, {}, { origin: OTHER, 'sec-fetch-site': 'same-site' }],
  ['no origin that can be told', 403, {}, { origin: 'null' }],
  ['an origin that is not listed', 403, listed, { origin: OTHER }],
  ['where a router may add who asks', 403, routed, { origin: OTHER, 'x-viewer-id': 'anna', 'x-viewer-secret': SECRET }],
])('a WebSocket from %s is answered with %i', async (_title, status, env, headers) => {
  const gateway = await openGateway({ env });
  expect(await connectFrom(gateway, headers.origin === 'ours' ? { origin: gateway.url } : headers)).toBe(status);
});
