// What idle subscribers cost: streams and WebSockets on which nothing happens, in bytes each of the process that holds them.
import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Section, table } from '../measuring/results.ts';
import { startGateway, startUpstream, stopAll } from '../measuring/servers.ts';
import { userOf } from '../reference/world.ts';

type Open = (url: string, number: number) => Promise<() => void>;

/** Opened and closed before anything counts: code is compiled, and pools have their size. */
const WARM_UP = 500;
const AT_ONCE = 100;
/** Until what was closed is gone. */
const SETTLING_MS = 2000;
const QUERY = `subscription ($userId: ID!) {
  followEvents(userId: $userId) { __typename cursor at ... on FanGained { user { id nick avatar } } }
}`;
const bodyOf = (number: number) => ({ query: QUERY, variables: { userId: userOf(number % 2000) } });

export async function subscribers(quick: boolean): Promise<Section> {
  const count = quick ? 1000 : 5000;
  const rows = [
    ['server-sent events', ...(await measure(count, openStream)), '≤ 45'],
    ['WebSocket', ...(await measure(count, openWebSocket)), '≤ 45'],
  ];
  const how = `${count} idle subscribers, each on its own connection; kB for each, after collections of garbage.`;
  return { title: 'Subscribers', how, lines: table(['', 'heap and buffers', 'resident', 'aim'], rows) };
}

async function measure(count: number, open: Open): Promise<string[]> {
  const upstream = await startUpstream();
  const server = await startGateway(upstream, {});
  const url = `${server.origin}/graphql`;
  for (const close of await openMany(url, WARM_UP, open)) close();
  await delay(SETTLING_MS);
  const before = await server.held();
  const closes = await openMany(url, count, open);
  const after = await server.held();
  for (const close of closes) close();
  await stopAll([server, upstream]);
  const heap = after.heapUsed + after.external - before.heapUsed - before.external;
  return [heap, after.rss - before.rss].map((bytes) => (bytes / count / 1000).toFixed(1));
}

async function openMany(url: string, count: number, open: Open): Promise<(() => void)[]> {
  const closes: (() => void)[] = [];
  for (let opened = 0; opened < count; opened += AT_ONCE)
    closes.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => open(url, opened + number)))));
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
