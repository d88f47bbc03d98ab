import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { fail, failureOf, ok, type Script, SECRET_KEY, startClient } from './scripted-upstream.ts';

const FAILURES: [what: string, script: Script][] = [
  ['an upstream that quotes the URL', (request) => fail(60025, `bad ${request.query} and ${SECRET_KEY}`)],
  ['an unknown code that quotes the URL', (request) => fail(4711, `bad ${request.query.get('usersig')}`)],
  ['an error page that quotes the URL', ({ response, query }) => void response.writeHead(502).end(`no ${query}`)],
  ['an answer that is no JSON', ({ response, query }) => void response.end(String(query))],
  ['a connection that dies', ({ socket }) => void socket.destroy()],
  ['an answer that breaks off', ({ response, socket }) => void response.write('{', () => socket.destroy())],
  ['an HTTP parser error', ({ socket }) => void socket.end('nonsense\r\n\r\n')],
  ['an answer far too large', ({ response }) => void response.writeHead(200).end(Buffer.alloc(17 << 20, 32))],
  ['a refused signature', () => fail(70009)],
  ['an expired signature', () => fail(70001)],
  ['a stop of all calls', () => fail(70050)],
];

/** Everything that could end up in a log: deep, with hidden members, stacks and causes. */
const everything = (value: unknown) => inspect(value, { depth: 10, showHidden: true, maxStringLength: null });

it.each(FAILURES)('%s shows neither the UserSig nor the key', async (_what, script) => {
  const { client, callOptions, requests, reports } = await startClient(script);
  const errors = [
    await failureOf(client.call('follow_get', {}, callOptions())),
    await failureOf(client.call('follow_get', {}, callOptions())),
  ];
  const signatures = requests.map(({ query }) => query.get('usersig') ?? '');
  expect(signatures[0]?.length).toBeGreaterThan(100);
  for (const secret of [SECRET_KEY, ...signatures]) {
    for (const place of [errors, reports, client]) expect(everything(place)).not.toContain(secret);
    expect(JSON.stringify(errors)).not.toContain(secret);
  }
  for (const error of errors) {
    expect(error).toBeInstanceOf(GatewayError);
    expect((error as GatewayError).cause).toBeUndefined();
  }
});

it('a host that cannot be reached and a cancelled call show neither', async () => {
  const { callOptions, clock, abort } = await startClient(() => ok());
  const options = { sdkAppId: 1, adminId: 'a', secretKey: SECRET_KEY, clock };
  const client = createTencentClient({ ...options, baseUrl: 'http://127.0.0.1:1' });
  const unreachable = await failureOf(client.call('follow_get', {}, callOptions()));
  abort.abort();
  const cancelled = await failureOf(client.call('follow_get', {}, callOptions()));
  await client.close();
  expect(everything([unreachable, cancelled])).not.toMatch(/usersig|0123456789abcdef|eJ[A-Za-z0-9*_-]{40}/);
});
