// What the budget makes of the upstream's limit: four replicas over one Redis, an upstream that takes 200 calls in any
// second, and more calls than that.
//
//   npm run bench:budget [-- --only 3]
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import type { Priority } from '../../src/cache/single-flight.ts';
import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { startRedisProcess } from '../support/redis-process.ts';

const REPLICAS = 4;
const UPSTREAM_LIMIT = 200;
const RATE = 180;
const LATENCY_MS = 20;

type Situation = {
  name: string;
  aim: string;
  seconds: number;
  /** Calls a second, of all replicas together. */
  perSecond: Partial<Record<Priority, number>>;
  killRedis?: true;
  /** One call in a hundred takes this long. */
  tailMs?: number;
};

const SITUATIONS: Situation[] = [
  { name: '3 × the budget', aim: '≥ 170/s, < 0.5 % refused', seconds: 20, perSecond: { interactive: 3 * RATE } },
  { name: '4/3 × the budget', aim: 'p50 < 300 ms', seconds: 60, perSecond: { interactive: (4 / 3) * RATE } },
  { name: '85 %', aim: 'p99 < 400 ms', seconds: 20, perSecond: { interactive: 0.85 * RATE } },
  { name: '85 %, 1 % slow', aim: 'p95 as without', seconds: 20, perSecond: { interactive: 0.85 * RATE }, tailMs: 400 },
  {
    name: 'half, and background',
    aim: 'uses what is left',
    seconds: 20,
    perSecond: { interactive: RATE / 2, priming: RATE },
  },
  {
    name: '3 ×, Redis killed',
    aim: '< 200 in any second',
    seconds: 20,
    perSecond: { interactive: 3 * RATE },
    killRedis: true,
  },
];

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
for (const [n, situation] of SITUATIONS.entries()) if (!only || only === String(n + 1)) await run(situation);
process.exit();

async function run({ name, aim, seconds, perSecond, killRedis, tailMs = 0 }: Situation): Promise<void> {
  const server = await startRedisProcess();
  const upstream = await startUpstream(tailMs);
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, () => startReplica(server.url, upstream.baseUrl)),
  );
  const tookMs: number[] = [];
  const done: Partial<Record<Priority, number>> = {};
  let seen = 0;
  let slowestRefusal = 0;

  async function ask(n: number, priority: Priority): Promise<void> {
    const startedAt = performance.now();
    const call = { signal: new AbortController().signal, deadlineAt: Date.now() + 10_000, priority };
    const failure = await replicas[n % REPLICAS]?.call('follow_get', {}, call).then(
      () => null,
      (error: unknown) => error,
    );
    const ms = performance.now() - startedAt;
    if (failure === null) done[priority] = (done[priority] ?? 0) + 1;
    if (priority !== 'interactive') return;
    if (failure === null) tookMs.push(ms);
    else slowestRefusal = Math.max(slowestRefusal, ms);
    if (failure instanceof GatewayError && failure.upstream?.errorCode === 60007) seen++;
  }

  const startedAt = performance.now();
  const loads = Object.entries(perSecond).map(async ([priority, rate]) => {
    let due = 0;
    for (let n = 0; due < seconds * 1000; n++) {
      due += (-Math.log(1 - Math.random()) * 1000) / rate;
      const early = due - (performance.now() - startedAt);
      if (early > 1) await delay(early);
      void ask(n, priority as Priority);
    }
  });
  if (killRedis) await delay(seconds * 500).then(() => server.kill());
  await Promise.all(loads);
  const { arrivals, refused } = upstream;
  const inTime = arrivals.filter((at) => at < startedAt + seconds * 1000);
  const firstSeconds = [1, 2, 3].map((n) => inTime.filter((at) => Math.ceil((at - startedAt) / 1000) === n).length);
  const busiest = Math.max(...inTime.map((from, n) => inTime.slice(n).findIndex((at) => at >= from + 1000)));
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => Math.round(tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN);
  console.log(
    `${name} (${aim}): ${(inTime.length / seconds).toFixed(1)}/s (first ${firstSeconds}; busiest ${busiest}), ` +
      `60007 ${((100 * refused()) / arrivals.length).toFixed(2)} %, ${seen} seen; p50 ${at(0.5)} p95 ${at(0.95)} ` +
      `p99 ${at(0.99)} ms; refused within ${Math.round(slowestRefusal)} ms; served ${JSON.stringify(done)}`,
  );
  upstream.close();
  await server.close();
}

async function startReplica(redisUrl: string, baseUrl: string) {
  const redis = new Redis(redisUrl, { enableOfflineQueue: false, retryStrategy: () => 500 });
  await once(redis, 'ready');
  const link = createRedisLink({ redis, clock: systemClock, timeoutMs: 100, onChange() {} });
  const options = { clock: systemClock, report() {} };
  const budget = createBudget({ ...options, link, prefix: 'bench', ratePerSecond: RATE });
  return createTencentClient({ ...options, baseUrl, budget, sdkAppId: 1, adminId: 'a', secretKey: 'key' });
}

/** Takes that number of calls in any second, by when they arrive; what it refuses does not count (CONTRACT 1.6). */
async function startUpstream(tailMs: number) {
  const arrivals: number[] = [];
  const taken: number[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const now = performance.now();
    arrivals.push(now);
    const isRefused = (taken.at(-UPSTREAM_LIMIT) ?? Number.NEGATIVE_INFINITY) > now - 1000;
    if (isRefused) refused++;
    else taken.push(now);
    const body = `{"ActionStatus":"${isRefused ? 'FAIL' : 'OK'}","ErrorCode":${isRefused ? 60007 : 0},"ErrorInfo":""}`;
    request.resume();
    setTimeout(() => response.end(body), tailMs > 0 && Math.random() < 0.01 ? tailMs : LATENCY_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    refused: () => refused,
    close,
  };
}
