// Signals: no request that was accepted is dropped, and a second signal ends the process at once.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { post, startClient } from './load.ts';
import { armFaults, ask, start, startEmbedded } from './start-process.ts';

const fansOf = (number: number) =>
  `{ user(id: "user_${String(number).padStart(5, '0')}") { fans { nodes { id nick } } } }`;
/** Asks the upstream each time, so that something runs there at any moment. */
const PROFILE = '{ user(id: "user_00001") { nick } }';

/** Longer than any test may take: a process that waits for one of these does not end in time. */
const NEVER = {
  UPSTREAM_TIMEOUT_MS: '60000',
  REQUEST_DEADLINE_MS: '120000',
};

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

async function notReady(url: string): Promise<void> {
  while ((await fetch(`${url}/health/ready`)).ok);
}

async function upstreamAsked(sandboxUrl: string, command: string): Promise<void> {
  for (let asked = 0; asked === 0; ) {
    const { commands } = (await (await fetch(`${sandboxUrl}/sandbox/calls`)).json()) as {
      commands: Record<string, { received: number }>;
    };
    asked = commands[command]?.received ?? 0;
  }
}

test('SIGTERM under load drops no request: not ready at once, served until no connection is accepted, then a clean end', async () => {
  const gateway = await startEmbedded();
  await armFaults(gateway.sandboxUrl, { latency: { ms: 200, commands: ['portrait_get'] } });
  const clients = Array.from({ length: 16 }, (_, number) =>
    startClient(gateway.url, number < 2 ? [PROFILE] : [1, 2, 3, 4, 5].map((step) => fansOf(number * 5 + step))),
  );
  await Promise.all(clients.map((client) => client.answered(3)));

  const answered = () => clients.flatMap((client) => client.answers);
  gateway.signal('SIGTERM');
  await notReady(gateway.url);
  const before = answered().length;

  // A connection that is opened while the last one closes may be reset in place of refused.
  for (const end of await Promise.all(clients.map(({ ended }) => ended))) expect(end).toMatch(/^ECONN(REFUSED|RESET)$/);
  expect(answered().length).toBeGreaterThan(before);
  expect(answered().filter(({ status, body }) => status !== 200 || /"errors"|"fans":null/.test(body))).toEqual([]);
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s lets a request finish that runs when the drain is over', async (name) => {
  const gateway = await startEmbedded({ SHUTDOWN_DRAIN_MS: '0' });
  await armFaults(gateway.sandboxUrl, { latency: { ms: 500 } });
  const answer = post(gateway.url, PROFILE, keepAlive());
  await upstreamAsked(gateway.sandboxUrl, 'portrait_get');
  gateway.signal(name);
  const { status, connection, body } = await answer;
  expect([status, connection]).toEqual([200, 'close']);
  expect(JSON.parse(body)).toEqual({ data: { user: { nick: expect.any(String) } } });
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('a request whose body is still on its way when the signal comes is answered', async () => {
  const gateway = await startEmbedded();
  const sending = request(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  const status = new Promise((resolve, reject) => {
    sending.once('error', reject).once('response', (response) => resolve(response.resume().statusCode));
  });
  await new Promise((resolve) => sending.once('continue', resolve).flushHeaders());
  gateway.signal('SIGTERM');
  await notReady(gateway.url);
  sending.end(JSON.stringify({ query: PROFILE }));
  expect(await status).toBe(200);
  expect(await gateway.ended).toMatchObject({ code: 0 });
});

test('connections that carry nothing do not hold up the end', async () => {
  const gateway = await startEmbedded(NEVER);
  await post(gateway.url, PROFILE, keepAlive());
  const silent = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  const hungUp = new Promise((resolve) => silent.once('close', resolve));
  await new Promise((resolve) => silent.once('connect', resolve));
  gateway.signal('SIGTERM');
  await hungUp;
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('a signal while the gateway cannot start yet ends it at once', async () => {
  // It takes connections, and never says a word.
  const silent = createServer();
  const asked = once(silent, 'connection');
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const gateway = start(['--sandbox'], { env: { PORT: '0', REDIS_URL: `redis://127.0.0.1:${port}` } });
  const [connection] = (await asked) as [Socket];
  onTestFinished(() => void connection.destroy());
  gateway.signal('SIGTERM');
  const { code, stdout } = await gateway.ended;
  expect(stdout).toMatch(/"signal":"SIGTERM".*"msg":"stopped before it served"/);
  expect(code).toBe(0);
});

test('a second signal ends the process at once with 1, whatever still runs', async () => {
  const gateway = await startEmbedded({ ...NEVER, SHUTDOWN_DRAIN_MS: '120000' });
  await armFaults(gateway.sandboxUrl, { silence: true });
  const cutOff = ask(gateway.url, PROFILE).catch(() => 'cut off');
  await upstreamAsked(gateway.sandboxUrl, 'portrait_get');
  gateway.signal('SIGTERM');
  await gateway.said(/"msg":"stopping/);
  gateway.signal('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 1, signal: null, stderr: '' });
  expect(await cutOff).toBe('cut off');
});
