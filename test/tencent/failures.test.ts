// What a failure of the upstream shows to clients and to operators, and what it never shows.
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { fail, failureOf, ok, type Script, SECRET_KEY, startClient } from './scripted-upstream.ts';

const NO_TEXT = '{"ErrorCode":30006,"ErrorInfo":{"toString":1}}';
const DEEP = '['.repeat(20_000) + ']'.repeat(20_000);

const FAILURES: [what: string, script: Script][] = [
  ['an upstream that quotes the URL', (request) => fail(60025, `odd ${request.query} and ${SECRET_KEY}`)],
  ['an unknown code that quotes the URL', (request) => fail(4711, `odd ${request.query.get('usersig')}`)],
  ['an error page that quotes the URL', ({ response, query }) => void response.writeHead(502).end(`no ${query}`)],
  ['an answer that is no JSON', ({ response, query }) => void response.end(String(query))],
  ['a connection that dies', ({ socket }) => void socket.destroy()],
  ['an answer that breaks off', ({ response, socket }) => void response.write('{', () => socket.destroy())],
  ['an HTTP parser error', ({ socket }) => void socket.end('nonsense\r\n\r\n')],
  ['an answer far too large', ({ response }) => void response.writeHead(200).end(Buffer.alloc(17 << 20, 32))],
  ['too many calls', () => fail(60007, 'odd')],
  ['an unknown account', () => fail(30003, 'odd')],
  ['a text that is none', ({ response }) => void response.end(NO_TEXT)],
  ['a text that is deep', ({ response }) => void response.end(NO_TEXT.replace('{"toString":1}', DEEP))],
  ['a refused signature', () => fail(70009, 'odd')],
  ['an expired signature, quoted', ({ query }) => fail(70001, `odd ${query}`)],
  ['a stop of all calls', () => fail(70050, 'odd')],
];

/** Everything that could end up in a log: deep, with hidden members, stacks and causes. */
const everything = (value: unknown) => inspect(value, { depth: 10, showHidden: true, maxStringLength: null });

it.each(FAILURES)(
  '%s is a sentence for clients and a reason for operators, without the UserSig and the key',
  async (what, script) => {
    const { client, askInVain, requests, reports } = await startClient(script);
    const errors = [await askInVain(), await askInVain()] as GatewayError[];
    const signatures = requests.map(({ query }) => query.get('usersig') ?? '');
    expect(signatures[0]?.length).toBeGreaterThan(100);
    for (const secret of [SECRET_KEY, ...signatures]) {
      for (const place of [errors, reports, client]) expect(everything(place)).not.toContain(secret);
      expect(JSON.stringify(errors)).not.toContain(secret);
    }
    for (const error of errors) {
      expect(error).toBeInstanceOf(GatewayError);
      expect(error.cause).toBeUndefined();
      expect(error.message).toMatch(/^[A-Z][A-Za-z' ]+\.( Try again in a moment\.)?$/);
      expect(error.message).not.toMatch(/follow_get|UND_ERR|HTTP|ECONN|odd/);
      expect(error.upstream).toMatchObject({ command: 'follow_get' });
    }
    // What a caller got wrong is no report.
    const commands = what === 'an unknown account' ? [] : ['follow_get'];
    expect([...new Set(reports.map(({ facts }) => facts.command))]).toEqual(commands);
  },
);

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

it('reports hold what an operator needs, once a minute for each failure', async () => {
  const { askInVain, clock, reports } = await startClient(() => ({ ...fail(99999, 'odd'), RequestId: 'r1' }));
  await askInVain();
  await askInVain();
  const facts = { command: 'follow_get', errorCode: 99999, errorInfo: 'odd', requestId: 'r1' };
  expect(reports).toMatchObject([{ facts }]);
  clock.advance(60_000);
  await askInVain();
  expect(reports).toHaveLength(2);
});
