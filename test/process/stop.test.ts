// Signals: no request that was accepted is dropped, and a second signal ends the process at once.
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { listenOnLoopback } from '../support/loopback.ts';
import { openSandbox } from '../support/sandbox.ts';
import { ask, start } from './start-process.ts';

type Answer = { status: number | undefined; connection: string | undefined; body: string };

const JSON_TYPE = { 'content-type': 'application/json' };
const fansOf = (number: number) =>
  `{ user(id: "user_${String(number).padStart(5, '0')}") { fans { nodes { id nick } } } }`;
/** Asks the upstream each time, so that something runs there at any moment. */
const PROFILE = '{ user(id: "user_00001") { nick } }';

/** Longer than any test may take: a process that waits for one of these does not end in time. */
const NEVER = { UPSTREAM_TIMEOUT_MS: '60000', REQUEST_DEADLINE_MS: '120000' };
const CLEAN_END = { code: 0, signal: null, stderr: '' };

async function startGateway(env: Record<string, string> = {}) {
  const sandbox = await openSandbox({ people: 100 });
  const gateway = start([], { env: { ...sandbox.settings, PORT: '0', ...env } });
  const [, url = ''] = await gateway.said(/(http:\S+)\/graphql/);
  return { ...gateway, url, sandbox };
}

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

/** Rejects with the error of the socket. */
async function post(url: string, query: string, agent: Agent): Promise<Answer> {
  const sending = request(`${url}/graphql`, { method: 'POST', agent, headers: JSON_TYPE });
  sending.end(JSON.stringify({ query }));
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  const parts = await response.setEncoding('utf8').toArray();
  return { status: response.statusCode, connection: response.headers.connection, body: parts.join('') };
}

/** A frontend with one connection: asks `queries` in turn, the next as soon as the last is answered. */
function startClient(url: string, queries: readonly string[]) {
  const agent = keepAlive();
  const answers: Answer[] = [];
  async function askOn(): Promise<string> {
    for (let turn = 0; ; turn++)
      try {
        answers.push(await post(url, queries[turn % queries.length] as string, agent));
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
  }
  /** `ended` resolves with the code of the error that ended it. */
  return { answers, ended: askOn() };
}

async function notReady(url: string): Promise<void> {
  while ((await fetch(`${url}/health/ready`)).ok);
}

test('SIGTERM under load drops no request: not ready at once, served until no connection is accepted, then a clean end', async () => {
  const gateway = await startGateway();
  gateway.sandbox.faults.set({ latency: { ms: 200, commands: ['portrait_get'] } });
  const clients = Array.from({ length: 16 }, (_, number) =>
    startClient(gateway.url, number < 2 ? [PROFILE] : [1, 2, 3, 4, 5].map((step) => fansOf(number * 5 + step))),
  );
  await expect.poll(() => clients.every(({ answers }) => answers.length >= 3)).toBe(true);

  const answered = () => clients.flatMap((client) => client.answers);
  gateway.signal('SIGTERM');
  await notReady(gateway.url);
  const before = answered().length;

  // A connection that is opened while the last one closes may be reset in place of refused.
  for (const end of await Promise.all(clients.map(({ ended }) => ended))) expect(end).toMatch(/^ECONN(REFUSED|RESET)$/);
  expect(answered().length).toBeGreaterThan(before);
  expect(answered().filter(({ status, body }) => status !== 200 || /"errors"|"fans":null/.test(body))).toEqual([]);
  expect(await gateway.ended).toMatchObject(CLEAN_END);
});

test('SIGTERM and SIGINT let a request finish that runs when the drain is over', async () => {
  const stops = (['SIGTERM', 'SIGINT'] as const).map(async (name) => {
    const gateway = await startGateway({ SHUTDOWN_DRAIN_MS: '0' });
    gateway.sandbox.faults.set({ latency: { ms: 500 } });
    const answer = post(gateway.url, PROFILE, keepAlive());
    await expect.poll(() => gateway.sandbox.calls.count('portrait_get')).toBe(1);
    gateway.signal(name);
    const body = expect.stringMatching(/^\{"data":\{"user":\{"nick":"[^"]+"\}\}\}$/);
    expect(await answer).toEqual({ status: 200, connection: 'close', body });
    expect(await gateway.ended).toMatchObject(CLEAN_END);
  });
  await Promise.all(stops);
});

test('a request whose body is still on its way when the signal comes is answered', async () => {
  const gateway = await startGateway({ SHUTDOWN_DRAIN_MS: '0' });
  const headers = { ...JSON_TYPE, expect: '100-continue' };
  const sending = request(`${gateway.url}/graphql`, { method: 'POST', headers });
  sending.flushHeaders();
  await once(sending, 'continue');
  gateway.signal('SIGTERM');
  await gateway.said(/"msg":"stopping/);
  sending.end(JSON.stringify({ query: PROFILE }));
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  expect(response.resume().statusCode).toBe(200);
  expect(await gateway.ended).toMatchObject(CLEAN_END);
});

test('connections that carry nothing do not hold up the end', async () => {
  const gateway = await startGateway({ ...NEVER, SHUTDOWN_DRAIN_MS: '0' });
  await post(gateway.url, PROFILE, keepAlive());
  const silent = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  await once(silent, 'connect');
  gateway.signal('SIGTERM');
  await once(silent.resume(), 'close');
  expect(await gateway.ended).toMatchObject(CLEAN_END);
});

test('a signal while the gateway cannot start yet ends it at once', async () => {
  // It takes connections, and never says a word.
  const silent = createServer();
  const asked = once(silent, 'connection');
  const port = await listenOnLoopback(silent);
  const { settings } = await openSandbox({ people: 3 });
  const gateway = start([], { env: { ...settings, PORT: '0', REDIS_URL: `redis://127.0.0.1:${port}` } });
  await asked;
  gateway.signal('SIGTERM');
  const { code, stdout } = await gateway.ended;
  expect(stdout).toMatch(/"signal":"SIGTERM".*"msg":"stopped before it served"/);
  expect(code).toBe(0);
});

test('a second signal ends the process at once with 1, whatever still runs', async () => {
  const gateway = await startGateway({ ...NEVER, SHUTDOWN_DRAIN_MS: '120000' });
  gateway.sandbox.faults.set({ silence: true });
  const cutOff = ask(gateway.url, PROFILE).catch(() => 'cut off');
  await expect.poll(() => gateway.sandbox.calls.count('portrait_get')).toBe(1);
  gateway.signal('SIGTERM');
  await gateway.said(/"msg":"stopping/);
  gateway.signal('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 1, signal: null, stderr: '' });
  expect(await cutOff).toBe('cut off');
});
