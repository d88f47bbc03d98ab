// What idle subscribers cost: some thousands of streams and of WebSockets, on which nothing happens, in bytes each of the
// process that holds them; beside them the same streams as Yoga makes them by itself.
//
//   npm run bench:subscribers
//
// Each server runs as a process of its own. Its garbage is collected before it is asked what it holds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { arch, cpus, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const SUBSCRIBERS = Number(process.argv[2] ?? 5000);
/** Opened and closed before anything counts: code is compiled, and pools have their size. */
const WARMING_UP = 500;
const AT_ONCE = 100;
const QUERY = `subscription ($userId: ID!) {
  followEvents(userId: $userId) { __typename cursor at ... on FanGained { user { id nick avatar } } }
}`;

type Server = { child: ChildProcess; url: string };
type Close = () => void;
type Measure = { heap: number; rss: number };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const results = [
  ['gateway, server-sent events', await measure('../../src/main.ts', openStream)],
  ['gateway, WebSocket', await measure('../../src/main.ts', openWebSocket)],
  ['Yoga alone, server-sent events', await measure('./plain-yoga.ts', openStream)],
] as const;
report();

async function measure(script: string, open: (url: string, number: number) => Promise<Close>): Promise<Measure> {
  const server = await startServer(here(script));
  for (const close of await openMany(server.url, WARMING_UP, open)) close();
  await settled(server);
  const before = await memoryOf(server);
  const closes = await openMany(server.url, SUBSCRIBERS, open);
  const after = await memoryOf(server);
  for (const close of closes) close();
  server.child.kill('SIGKILL');
  return { heap: (after.heap - before.heap) / SUBSCRIBERS, rss: (after.rss - before.rss) / SUBSCRIBERS };
}

async function startServer(script: string): Promise<Server> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', here('./report-memory.ts'), script], {
    env: { PATH: process.env.PATH, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${script} ended without telling its address:\n${said}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
      const [found] = /http:\S+\/graphql/.exec(said) ?? [];
      if (found) resolve(found);
    });
  });
  return { child, url };
}

async function memoryOf({ child }: Server): Promise<Measure> {
  child.send('memory');
  const [{ heapUsed, external, rss }] = (await once(child, 'message')) as [NodeJS.MemoryUsage];
  return { heap: heapUsed + external, rss };
}

/** Waits until two looks in turn find the same: closed connections are gone. */
async function settled(server: Server) {
  for (let last = Number.POSITIVE_INFINITY; ; ) {
    const { heap } = await memoryOf(server);
    if (Math.abs(heap - last) < 10_000) return;
    last = heap;
  }
}

async function openMany(url: string, count: number, open: (url: string, number: number) => Promise<Close>) {
  const closes: Close[] = [];
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - opened) }, (_, number) => open(url, opened + number));
    closes.push(...(await Promise.all(some)));
  }
  return closes;
}

function userOf(number: number): string {
  return `user_${String(number % 2000).padStart(5, '0')}`;
}

/** Resolves when the first bytes of the stream are there. */
function openStream(url: string, number: number): Promise<Close> {
  return new Promise((resolve, reject) => {
    const sending = httpRequest(url, {
      method: 'POST',
      agent: false,
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    });
    sending.once('error', reject).once('response', (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`));
      response.once('error', () => {}).once('data', () => resolve(() => response.destroy()));
    });
    sending.end(JSON.stringify({ query: QUERY, variables: { userId: userOf(number) } }));
  });
}

/** Resolves when the server has heard of the subscription: it answers in order, so an answered ping came after. */
async function openWebSocket(url: string, number: number): Promise<Close> {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: true });
  const subscribed = new Promise<void>((resolve, reject) => {
    client.on('connected', (socket) => {
      const ws = socket as WebSocket;
      setImmediate(() => ws.ping());
      ws.once('pong', () => resolve());
    });
    client.on('error', reject);
  });
  const ignore = { next: () => {}, error: () => {}, complete: () => {} };
  client.subscribe({ query: QUERY, variables: { userId: userOf(number) } }, ignore);
  await subscribed;
  return () => client.terminate();
}

function report() {
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const [ours, , plain] = results.map(([, measured]) => measured);
  const ratio = (of: 'heap' | 'rss') => ((ours?.[of] ?? Number.NaN) / (plain?.[of] ?? Number.NaN)).toFixed(2);
  const lines = [
    `${SUBSCRIBERS} idle subscribers, each on a connection of its own`,
    `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} × ${model}, ${platform()} ${release()} ${arch()}`,
    '',
    `${''.padEnd(34)}${'heap and buffers'.padStart(18)}${'resident'.padStart(12)}   for each`,
    ...results.map(([name, { heap, rss }]) => `${name.padEnd(34)}${kB(heap).padStart(18)}${kB(rss).padStart(12)}`),
    '',
    `gateway / Yoga alone, server-sent events: ${ratio('heap')} of the heap, ${ratio('rss')} of the resident memory`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
