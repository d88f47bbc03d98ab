import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createBudget } from '../../src/tencent/budget/budget.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { linkTo, startRedisCluster } from '../support/redis.ts';

const COMMANDS: Command[] = ['follow_get', 'follow_get_info', 'follow_check', 'follow_add', 'portrait_get'];
const PREFIX = 'cluster';

test('on a cluster each command has its slot; a master that dies makes only its own commands local', async () => {
  const cluster = await startRedisCluster();
  const { link, masterOf } = await linkTo(cluster.url, systemClock, 300);
  const budget = createBudget({ link, prefix: PREFIX, ratePerSecond: 160, clock: systemClock });
  const ask = (command: Command) =>
    budget.admit(command, { signal: new AbortController().signal, deadlineAt: Date.now() + 10_000 });
  const local = () => COMMANDS.filter((command) => budget.state()[command]?.shared === false);

  await Promise.all(COMMANDS.map(ask));
  expect(local()).toEqual([]);

  const masters = COMMANDS.map((command) => masterOf(`${PREFIX}:budget:{${command}}`));
  const [victim = ''] = masters;
  await cluster.nodes.find(({ port }) => victim.endsWith(`:${port}`))?.kill();
  // The replica that is asked first finds out; every call is served all the same.
  for (let round = 0; round < 3; round++) for (const command of COMMANDS) await ask(command);
  expect(local()).toEqual(COMMANDS.filter((_, i) => masters[i] === victim));
});
