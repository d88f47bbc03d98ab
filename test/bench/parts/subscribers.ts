// What idle subscribers cost: streams and WebSockets on which nothing happens, in bytes each of the process that holds them.
import { request as httpRequest } from 'node:http';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startGateway, startUpstream } from '../measuring/gateway.ts';
import { type Section, table } from '../measuring/results.ts';
import type { ServerProcess } from '../measuring/server-process.ts';
import { userOf } from '../reference/world.ts';

type Open = (url: string, number: number) => Promise<() => void>;
type Held = { heap: number; resident: number };

const SUBSCRIBERS = 5000;
/** Opened and closed before anything counts: code is compiled, and pools have their size. */
const WARM_UP = 500;
const AT_ONCE = 100;
const QUERY = `subscription ($userId: ID!) {
  followEvents(userId: $userId) { __typename cursor at ... on FanGained { user { id nick avatar } } }
}`;
const bodyOf = (number: number) => ({ query: QUERY, variables: { userId: userOf(number % 2000) } });

export async function subscribers(quick: boolean): Promise<Section> {
  const count = quick ? SUBSCRIBERS / 5 : SUBSCRIBERS;
  const rows: string[][] = [];
  for (const [name, open] of Object.entries({ 'server-sent events': openStream, WebSocket: openWebSocket })) {
    const { heap, resident } = await measure(count, open);
    rows.push([name, ...[heap, resident].map((bytes) => (bytes / 1000).toFixed(1)), '≤ 45']);
  }
  const how = `${count} idle subscribers, each on a connection of its own; kB for each, after collections of garbage.`;
  return { title: 'Subscribers', lines: [how, '', ...table(['', 'heap and buffers', 'resident', 'aim'], rows)] };
}

async function measure(count: number, open: Open): Promise<Held> {
  const upstream = await startUpstream();
  const server = await startGateway(upstream, {});
  const url = `${server.origin}/graphql`;
  for (const close of await openMany(url, WARM_UP, open)) close();
  await settled(server);
  const before = await heldBy(server);
  const closes = await openMany(url, count, open);
  const after = await heldBy(server);
  for (const close of closes) close();
  await Promise.all([server.stop(), upstream.stop()]);
  return { heap: (after.heap - before.heap) / count, resident: (after.resident - before.resident) / count };
}

async function heldBy(server: ServerProcess): Promise<Held> {
  const { heapUsed, external, rss } = await server.held();
  return { heap: heapUsed + external, resident: rss };
}

/** Until two looks in turn find the same: closed connections are gone. */
async function settled(server: ServerProcess): Promise<void> {
  let last = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < 100; looks++) {
    const { heap } = await heldBy(server);
    if (Math.abs(heap - last) < 10_000) return;
    last = heap;
  }
}

async function openMany(url: string, count: number, open: Open): Promise<(() => void)[]> {
  const closes: (() => void)[] = [];
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - opened) }, (_, number) => open(url, opened + number));
    closes.push(...(await Promise.all(some)));
  }
  return closes;
}

/** Resolves when the answer has begun. */
const openStream: Open = (url, number) =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
    const sending = httpRequest(url, { method: 'POST', agent: false, headers });
    sending.once('error', reject).once('response', (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`));
      response.on('error', () => {}).resume();
      resolve(() => response.destroy());
    });
    sending.end(JSON.stringify(bodyOf(number)));
  });

/** Resolves when the server has read the subscription: it reads in order, so a ping behind it is answered later. */
async function openWebSocket(url: string, number: number): Promise<() => void> {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: true });
  const subscribed = new Promise<void>((resolve, reject) => {
    client.on('connected', (socket) => {
      // The implementation that was given.
      const ws = socket as WebSocket;
      setImmediate(() => ws.ping());
      ws.once('pong', () => resolve());
    });
    client.on('error', reject);
  });
  client.subscribe(bodyOf(number), { next() {}, error() {}, complete() {} });
  await subscribed;
  return () => client.terminate();
}
