// One replica under load, in a process of its own: fires calls at a steady rate until told to stop, and says what came of them.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import { connectRedis, createRedisClient } from '../../src/redis.ts';
import { createBudget } from '../../src/tencent/budget.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { BODIES, type FromReplica, type Load, type Tally, type ToReplica } from './load.ts';

const TICK_MS = 5;

const redis = createRedisClient([new URL(process.argv[2] ?? '')]);
const link = createRedisLink({ redis, clock: systemClock, timeoutMs: 100, onChange() {} });
const tell = (message: FromReplica) => process.send?.(message);
process.on('message', (message: ToReplica) => {
  if (message.kind === 'go') void run(message.load).then((tally) => tell({ kind: 'done', tally }));
});

await connectRedis(redis);
tell({ kind: 'ready' });

async function run(load: Load): Promise<Tally> {
  const budget = createBudget({
    link,
    prefix: 'fleet',
    ratePerSecond: load.ratePerSecond,
    clock: systemClock,
    report() {},
  });
  budget.start();
  const client = createTencentClient({ ...load.client, clock: systemClock, budget });
  const stop = new AbortController();
  const tally: Tally = {
    answered: {},
    failures: {},
    leftAt: {},
    refusedLateMs: Number.NEGATIVE_INFINITY,
    retryAfterMs: [],
    wasted: 0,
    longestStallMs: 0,
    usualStallMs: 0,
  };
  const calls = new Set<Promise<void>>();

  async function fire(command: Command, priority: keyof Load['perSecond']): Promise<void> {
    const since = Date.now();
    const deadlineAt = since + load.deadlineMs;
    try {
      const onUpstreamCall = () => {
        const times = tally.leftAt[command] ?? [];
        tally.leftAt[command] = times;
        times.push(Date.now());
      };
      await client.call(command, BODIES[command] ?? {}, { signal: stop.signal, deadlineAt, priority, onUpstreamCall });
      tally.answered[priority] = (tally.answered[priority] ?? 0) + 1;
    } catch (error) {
      if (stop.signal.aborted) return;
      const code = error instanceof GatewayError ? error.code : String(error);
      tally.failures[code] = (tally.failures[code] ?? 0) + 1;
      if (code !== 'THROTTLED') return;
      tally.refusedLateMs = Math.max(tally.refusedLateMs, Date.now() - deadlineAt);
      if (priority === 'interactive') tally.retryAfterMs.push((error as GatewayError).upstream?.retryAfterMs ?? -1);
    }
  }

  const delays = monitorEventLoopDelay({ resolution: TICK_MS });
  delays.enable();
  const startedAt = Date.now();
  const fired = new Map<string, number>();
  const timer = setInterval(() => {
    for (const command of load.commands) {
      for (const [priority, perSecond] of Object.entries(load.perSecond)) {
        const key = `${command} ${priority}`;
        const due = Math.floor(((Date.now() - startedAt) / 1000) * perSecond);
        for (let n = fired.get(key) ?? 0; n < due; n++) {
          const call = fire(command, priority as keyof Load['perSecond']).finally(() => calls.delete(call));
          calls.add(call);
        }
        fired.set(key, due);
      }
    }
  }, TICK_MS);
  await systemClock.sleep(load.seconds * 1000);
  clearInterval(timer);
  stop.abort();
  await Promise.all(calls);
  tally.longestStallMs = delays.max / 1e6;
  tally.usualStallMs = delays.percentile(99) / 1e6;
  tally.wasted = Object.values(budget.state()).reduce((sum, { wasted }) => sum + wasted, 0);
  await budget.close();
  link.close();
  await client.close();
  return tally;
}
