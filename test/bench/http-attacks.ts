// What HTTP that nobody sends by accident costs: CPU of each refusal as a share of a normal query's, answered from a warm
// cache, each on a connection of its own; the heap before and after; and, beside them, what compressing an answer costs.
//
//   node test/bench/http-attacks.ts
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { heldKilobytes, startBoth, upstreamCalls } from './measured-gateway.ts';
import type { ServerProcess } from './measuring/server-process.ts';
import { median } from './measuring/statistics.ts';

const ROUNDS = 5;
const TIMES = 200;
const AT_ONCE = 16;
const START = 'POST /graphql HTTP/1.1\r\nHost: a\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';

const post = (head: string, body: string) =>
  `${START}Connection: close\r\n${head}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
const query = (text: string, variables = {}) => JSON.stringify({ query: text, variables });

const SCREEN = query(
  'query ($id: ID!) { user(id: $id) { fans(first: 20) { edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } } }',
  { id: 'user_00001' },
);
const GZIP = 'Accept-Encoding: gzip\r\n';

/** What is sent, and the status that it must bring. */
const REQUESTS: Record<string, [bytes: string, status: number]> = {
  'the normal query': [post(JSON_TYPE, SCREEN), 200],
  'the same, compressed': [post(JSON_TYPE + GZIP, SCREEN), 200],
  'no HTTP': ['hello\r\n\r\n', 400],
  '16 kB of headers': [`${START}${'a:b\r\n'.repeat(10_000)}\r\n`, 431],
  'a URL of 15 kB': [`GET /graphql?query=${'x'.repeat(15_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'a length and chunks': [`${START}${JSON_TYPE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  'compressed chunks': [`${START}${JSON_TYPE}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
  'endless chunk extensions': [
    `${START}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`,
    413,
  ],
  'a gzip bomb': [
    post(`${JSON_TYPE}Content-Encoding: gzip\r\n`, gzipSync('x'.repeat(10_000_000)).toString('latin1')),
    415,
  ],
  'a form post': [post('Content-Type: application/x-www-form-urlencoded\r\n', `query=${'x'.repeat(10_000)}`), 415],
  'a multipart form': [post('Content-Type: multipart/form-data; boundary=x\r\n', 'x'.repeat(10_000)), 415],
  'UTF-16': [post('Content-Type: application/json; charset=utf-16\r\n', SCREEN), 415],
  'no UTF-8': [post(JSON_TYPE, '\xff'.repeat(50_000)), 400],
  'nested JSON of 100 kB': [post(JSON_TYPE, '['.repeat(100_000)), 400],
  'names of prototypes': [
    post(JSON_TYPE, `{"__proto__":{},"constructor":{"prototype":{}},"query":"{ __typename }"}`),
    400,
  ],
  'a page of another site': [
    `GET /graphql?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nHost: a\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n\r\n`,
    403,
  ],
};

const { forCpu, forHeap } = await startBoth({ COMPRESSION: 'on' });

for (const [bytes, status] of Object.values(REQUESTS)) await sendMany(forCpu, bytes, status);
const callsBefore = await upstreamCalls(forCpu);
const costs = new Map(Object.keys(REQUESTS).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, [bytes, status]] of Object.entries(REQUESTS)) {
    const before = await forCpu.cpuMicros();
    await sendMany(forCpu, bytes, status);
    costs.get(name)?.push(((await forCpu.cpuMicros()) - before) / TIMES);
  }
}
const normal = median(costs.get('the normal query') ?? []);
for (const [name, [bytes, status]] of Object.entries(REQUESTS)) {
  for (let warm = 0; warm < 2; warm++) await sendMany(forHeap, bytes, status);
  const before = await heldKilobytes(forHeap);
  for (let time = 0; time < 1000 / TIMES; time++) await sendMany(forHeap, bytes, status);
  const after = await heldKilobytes(forHeap);
  const micros = median(costs.get(name) ?? []);
  console.info(
    `${name.padEnd(26)} ${status}${micros.toFixed(0).padStart(7)} µs${((micros / normal) * 100).toFixed(0).padStart(5)} %${String(before).padStart(8)} kB before${String(after).padStart(8)} kB after 1000`,
  );
}
console.info(`upstream calls: ${(await upstreamCalls(forCpu)) - callsBefore}`);
process.exit();

async function sendMany(to: ServerProcess, bytes: string, status: number): Promise<void> {
  let sent = 0;
  const sender = async () => {
    while (sent++ < TIMES) {
      const answer = await sendOne(to, bytes);
      if (!answer.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`Not ${status}, but ${answer.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
}

/** Sends on a connection of its own; resolves with the answer when the gateway closes it. */
function sendOne({ origin }: ServerProcess, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', () => {}).once('close', () => resolve(received));
  });
}
