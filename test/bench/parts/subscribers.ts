// What idle subscribers cost: streams and WebSockets on which nothing happens, in bytes each of the process that holds them.
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Section, table } from '../measuring/results.ts';
import { startGateway, startUpstream, stopServers } from '../measuring/servers.ts';
import { userOf } from '../reference/world.ts';

type Open = (url: string, payload: object) => Promise<() => void>;

/** Opened and closed before anything counts: code is compiled, and pools have their size. */
const WARM_UP = 500;
const AT_ONCE = 100;
/** Until what was closed is gone. */
const SETTLING_MS = 2000;
const QUERY = `subscription ($userId: ID!) {
  followEvents(userId: $userId) { __typename cursor at ... on FanGained { user { id nick avatar } } }
}`;

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
  const server = await startGateway(await startUpstream(), {});
  const url = `${server.origin}/graphql`;
  for (const close of await openMany(url, WARM_UP, open)) close();
  await delay(SETTLING_MS);
  const before = await server.held();
  const closes = await openMany(url, count, open);
  const after = await server.held();
  for (const close of closes) close();
  await stopServers();
  const heap = after.heapUsed + after.external - before.heapUsed - before.external;
  return [heap, after.rss - before.rss].map((bytes) => (bytes / count / 1000).toFixed(1));
}

async function openMany(url: string, count: number, open: Open): Promise<(() => void)[]> {
  const closes: (() => void)[] = [];
  const openNumber = (number: number) => open(url, { query: QUERY, variables: { userId: userOf(number % 2000) } });
  for (let opened = 0; opened < count; opened += AT_ONCE)
    closes.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => openNumber(opened + n)))));
  return closes;
}

/** Resolves when the answer has begun. */
const openStream: Open = (url, payload) =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
    const sending = request(url, { method: 'POST', agent: false, headers });
    sending.once('error', reject).once('response', (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`));
      response.on('error', () => {}).resume();
      resolve(() => response.destroy());
    });
    sending.end(JSON.stringify(payload));
  });

/** Resolves when the server has read the subscription: it reads in order, so a ping behind it is answered later. */
async function openWebSocket(url: string, payload: object): Promise<() => void> {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
  socket.ping();
  await once(socket, 'pong');
  return () => socket.terminate();
}
