import { expect, onTestFinished, test } from 'vitest';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { systemClock } from '../../src/clock.ts';
import { nodeOf } from '../../src/redis/client.ts';
import { connectRedis } from '../../src/redis/connect.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { startRedisCluster } from '../support/redis.ts';

const COMMANDS: Command[] = ['follow_get', 'follow_get_info', 'follow_check', 'follow_add', 'portrait_get'];
const PREFIX = 'cluster';

test('on a cluster each command has its slot; a master that dies makes only its own commands local', async () => {
  const cluster = await startRedisCluster();
  const redis = await connectRedis({ nodes: cluster.url.split(',').map((url) => new URL(url)) });
  const link = createRedisLink({
    redis,
    clock: systemClock,
    timeoutMs: 300,
    nodeOf: (key) => nodeOf(redis, key),
    onChange() {},
  });
  const budget = createBudget({ link, prefix: PREFIX, ratePerSecond: 160, clock: systemClock });
  onTestFinished(() => link.close());
  const ask = (command: Command) =>
    budget.admit(command, { signal: new AbortController().signal, deadlineAt: Date.now() + 10_000 });
  const local = () => COMMANDS.filter((command) => budget.state()[command]?.shared === false);

  await Promise.all(COMMANDS.map(ask));
  expect(local()).toEqual([]);

  const masterOf = (command: Command) => nodeOf(redis, `${PREFIX}:budget:{${command}}`);
  const victim = masterOf('follow_get');
  const isOfVictim = COMMANDS.map((command) => masterOf(command) === victim);
  await cluster.nodes.find(({ port }) => victim.endsWith(`:${port}`))?.kill();
  // The replica that is asked first finds out; every call is served all the same.
  for (let round = 0; round < 3; round++) for (const command of COMMANDS) await ask(command);
  expect(local()).toEqual(COMMANDS.filter((_, i) => isOfVictim[i]));
});
