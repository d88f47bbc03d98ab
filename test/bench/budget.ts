// Why the budget has a script of its own: what a fixed window costs and lets through, and what ours does.
//
//   node test/bench/budget.ts
import { Redis } from 'ioredis';
import { createRedisLink, defineScript, type RedisLink } from '../../src/cache/redis-link.ts';
import { systemClock } from '../../src/clock.ts';
import { createBudget } from '../../src/tencent/budget.ts';
import { paceOf } from '../../src/tencent/budget-pace.ts';
import { createSharedPace } from '../../src/tencent/budget-script.ts';
import { startRedisProcess } from '../support/redis-process.ts';

const RATE = 160;
const SECONDS = 10;
const CALLS = 50_000;
const AT_ONCE = 64;

// How limiters on Redis count, rate-limiter-flexible's among them: a counter that expires with its window.
const FIXED_WINDOW = defineScript(
  `
redis.call('SET', KEYS[1], 0, 'PX', ARGV[1], 'NX')
local used = redis.call('INCRBY', KEYS[1], 1)
return { used, redis.call('PTTL', KEYS[1]) }
`,
  'fixed window',
);

type Admit = () => Promise<boolean>;

const server = await startRedisProcess();
const redis = new Redis(server.url);
const link = createRedisLink({ redis, clock: systemClock, timeoutMs: 1000, onChange() {} });
const budget = createBudget({ link, prefix: 'bench', ratePerSecond: RATE, clock: systemClock, report() {} });

const fixedWindow: Admit = async () => {
  const [used] = (await link.run(FIXED_WINDOW, ['fixed'], [1000])) as [number];
  return used <= RATE;
};
const ours: Admit = () =>
  budget
    .admit('follow_get', { signal: new AbortController().signal, deadlineAt: Date.now() + 2000 })
    .then(() => true)
    .catch(() => false);

const shared = createSharedPace(link, 'cost', paceOf('follow_get', RATE), systemClock);
await cost('fixed window', () => link.run(FIXED_WINDOW, ['cost-fixed'], [1000]), link);
await cost('ours', () => shared.reserve(0, 1e9), link);
await rushes('fixed window', fixedWindow);
await rushes('ours', ours);
await budget.close();
link.close();
await server.close();

/** Redis' own time per decision, and the time of this process and the way there and back. */
async function cost(name: string, decide: () => Promise<unknown>, { ask }: RedisLink): Promise<void> {
  await decide();
  await ask((client) => client.config('RESETSTAT'));
  let left = CALLS;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await decide();
    }),
  );
  const tookMs = performance.now() - startedAt;
  const stats = await ask((client) => client.info('commandstats'));
  const perCall = /cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(stats ?? '')?.[1];
  console.log(
    `${name}: ${perCall} µs of Redis per decision, ${Math.round(CALLS / (tookMs / 1000))} decisions a second`,
  );
}

/** A trickle of calls, and 400 at once every 1.3 s: as a popular page does it. */
async function rushes(name: string, admit: Admit): Promise<void> {
  const times: number[] = [];
  let asked = 0;
  const fire = () => {
    asked++;
    void admit().then((admitted) => admitted && times.push(Date.now()));
  };
  const trickle = setInterval(fire, 50);
  const rush = setInterval(() => {
    for (let n = 0; n < 400; n++) setTimeout(fire, Math.random() * 300);
  }, 1300);
  await systemClock.sleep(SECONDS * 1000);
  clearInterval(trickle);
  clearInterval(rush);
  await systemClock.sleep(2500);
  times.sort((a, b) => a - b);
  const busiest = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
  console.log(`${name}: of ${asked} calls ${times.length} went, at most ${busiest} in a second; ${RATE} are allowed`);
}
