// What the budget makes of the upstream's limit: four replicas over one Redis, an upstream that takes 200 calls in any
// second, and more calls than that.
//
//   npm run bench:budget [-- --only 3]
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import type { Priority } from '../../src/cache/single-flight.ts';
import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { busiestSecond } from '../support/busiest-second.ts';
import { startRedisProcess } from '../support/redis-process.ts';
import { quantile } from './measuring/results.ts';
import { arrivalTimes } from './reference/random.ts';

const REPLICAS = 4;
const RATE = 180;
const LATENCY_MS = 20;
const LIST = { From_Account: SANDBOX_APP.admin, FollowType: 1, StartCursor: '', WantNum: 20 };

type Situation = {
  name: string;
  aim: string;
  seconds?: number;
  /** Calls a second, of all replicas together. */
  interactive: number;
  priming?: number;
  killsRedis?: true;
  /** One call in a hundred takes this long. */
  tailMs?: number;
};

const SITUATIONS: Situation[] = [
  { name: '3 × the budget', aim: '≥ 170/s, < 0.5 % refused', interactive: 3 * RATE },
  { name: '4/3 × the budget', aim: 'p50 < 300 ms', seconds: 60, interactive: (4 / 3) * RATE },
  { name: '85 %', aim: 'p99 < 400 ms', interactive: 0.85 * RATE },
  { name: '85 %, 1 % slow', aim: 'p95 as without', interactive: 0.85 * RATE, tailMs: 400 },
  { name: 'half, and background', aim: 'uses what is left', interactive: RATE / 2, priming: RATE },
  { name: '3 ×, Redis killed', aim: '< 200 in any second', interactive: 3 * RATE, killsRedis: true },
];

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
for (const [n, situation] of SITUATIONS.entries()) if (!only || only === String(n + 1)) await run(situation);
process.exit();

async function run({ name, aim, seconds = 20, interactive, priming, killsRedis, tailMs }: Situation): Promise<void> {
  const server = await startRedisProcess();
  const sandbox = createSandbox();
  const tail = tailMs ? [{ ms: tailMs, every: 100 }] : [];
  sandbox.faults.set({ latency: [...tail, { ms: LATENCY_MS }] });
  const { url } = await sandbox.listen();
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(server.url, url)));
  const tookMs: number[] = [];
  const done: Partial<Record<Priority, number>> = {};
  let seen = 0;
  let slowestRefusal = 0;

  async function ask(n: number, priority: Priority): Promise<void> {
    const startedAt = performance.now();
    const call = { signal: new AbortController().signal, deadlineAt: Date.now() + 10_000, priority };
    const failure = await replicas[n % REPLICAS]?.call('follow_get', LIST, call).then(
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

  const startedAt = Date.now();
  const load = async (priority: Priority, perSecond: number) => {
    let n = 0;
    for (const due of arrivalTimes(Math.random, perSecond, seconds)) {
      const early = due - (Date.now() - startedAt);
      if (early > 1) await delay(early);
      void ask(n++, priority);
    }
  };
  const killing = killsRedis && delay(seconds * 500).then(() => server.kill());
  await Promise.all([load('interactive', interactive), priming && load('priming', priming), killing]);
  const arrivals = sandbox.calls.times('follow_get');
  const refused = sandbox.calls.summary().follow_get?.outcomes[60007] ?? 0;
  const inTime = arrivals.filter((at) => at < startedAt + seconds * 1000);
  const firstSeconds = [1, 2, 3].map((n) => inTime.filter((at) => Math.ceil((at - startedAt) / 1000) === n).length);
  const at = (share: number) => Math.round(quantile(tookMs, share));
  console.log(
    `${name} (${aim}): ${(inTime.length / seconds).toFixed(1)}/s (first ${firstSeconds}; busiest ${busiestSecond(inTime)}), ` +
      `60007 ${((100 * refused) / arrivals.length).toFixed(2)} %, ${seen} seen; p50 ${at(0.5)} p95 ${at(0.95)} ` +
      `p99 ${at(0.99)} ms; refused within ${Math.round(slowestRefusal)} ms; served ${JSON.stringify(done)}`,
  );
  await sandbox.close();
  await server.close();
}

async function startReplica(redisUrl: string, baseUrl: string) {
  const redis = new Redis(redisUrl, { enableOfflineQueue: false, retryStrategy: () => 500 });
  await once(redis, 'ready');
  const link = createRedisLink({ redis, clock: systemClock, timeoutMs: 100, onChange() {} });
  const options = { clock: systemClock, report() {} };
  const budget = createBudget({ ...options, link, prefix: 'bench', ratePerSecond: RATE });
  const { sdkAppId, secretKey, admin: adminId } = SANDBOX_APP;
  return createTencentClient({ ...options, baseUrl, budget, sdkAppId, adminId, secretKey });
}
