// What idle subscribers cost: some thousands of streams and of WebSockets, on which nothing happens, in bytes each of the
// process that holds them; beside them the same streams as Yoga makes them by itself.
//
//   npm run bench:subscribers
//
// Each server runs as a process of its own. Its garbage is collected before it is asked what it holds.
import { request as httpRequest } from 'node:http';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { machine } from './measuring/machine.ts';
import { GATEWAY, type ServerProcess, startServer } from './measuring/server-process.ts';

const SUBSCRIBERS = Number(process.argv[2] ?? 5000);
/** Opened and closed before anything counts: code is compiled, and pools have their size. */
const WARMING_UP = 500;
const AT_ONCE = 100;
const QUERY = `subscription ($userId: ID!) {
  followEvents(userId: $userId) { __typename cursor at ... on FanGained { user { id nick avatar } } }
}`;

type Close = () => void;
type Measure = { heap: number; rss: number };

const PLAIN_YOGA = new URL('./plain-yoga.ts', import.meta.url);

const results = [
  ['gateway, server-sent events', await measure(GATEWAY, openStream)],
  ['gateway, WebSocket', await measure(GATEWAY, openWebSocket)],
  ['Yoga alone, server-sent events', await measure(PLAIN_YOGA, openStream)],
] as const;
report();

async function measure(script: URL, open: (url: string, number: number) => Promise<Close>): Promise<Measure> {
  const server = await startServer(script, { env: { PORT: '0' } });
  const url = `${server.origin}/graphql`;
  for (const close of await openMany(url, WARMING_UP, open)) close();
  await settled(server);
  const before = await memoryOf(server);
  const closes = await openMany(url, SUBSCRIBERS, open);
  const after = await memoryOf(server);
  for (const close of closes) close();
  await server.stop();
  return { heap: (after.heap - before.heap) / SUBSCRIBERS, rss: (after.rss - before.rss) / SUBSCRIBERS };
}

async function memoryOf(server: ServerProcess): Promise<Measure> {
  const { heapUsed, external, rss } = await server.held();
  return { heap: heapUsed + external, rss };
}

/** Waits until two looks in turn find the same: closed connections are gone. */
async function settled(server: ServerProcess) {
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
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const [ours, , plain] = results.map(([, measured]) => measured);
  const ratio = (of: 'heap' | 'rss') => ((ours?.[of] ?? Number.NaN) / (plain?.[of] ?? Number.NaN)).toFixed(2);
  const lines = [
    `${SUBSCRIBERS} idle subscribers, each on a connection of its own`,
    `${new Date().toISOString()}, Node ${process.version}, ${machine()}`,
    '',
    `${''.padEnd(34)}${'heap and buffers'.padStart(18)}${'resident'.padStart(12)}   for each`,
    ...results.map(([name, { heap, rss }]) => `${name.padEnd(34)}${kB(heap).padStart(18)}${kB(rss).padStart(12)}`),
    '',
    `gateway / Yoga alone, server-sent events: ${ratio('heap')} of the heap, ${ratio('rss')} of the resident memory`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
