// Redis for one test: it is gone when the test is.
import { Redis, type RedisOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import type { Clock } from '../../src/clock.ts';
import { nodeOf } from '../../src/redis/client.ts';
import { connectRedis } from '../../src/redis/connect.ts';
import {
  type RedisClusterProcesses,
  type RedisProcess,
  startRedisClusterProcesses,
  startRedisProcess,
} from './redis-process.ts';

/**
 * Starts a server for the running test, or for the file: then the caller, for example a `beforeAll`, closes it.
 * A test may kill or pause it as it likes.
 */
export async function startRedis(options?: Parameters<typeof startRedisProcess>[0]): Promise<RedisProcess> {
  return closedAfterwards(await startRedisProcess(options));
}

/** Starts a cluster of three masters; `url` names them all, separated by commas. */
export async function startRedisCluster(
  options?: Parameters<typeof startRedisClusterProcesses>[0],
): Promise<RedisClusterProcesses> {
  return closedAfterwards(await startRedisClusterProcesses(options));
}

/** A connection for the commands of an operator, until the test ends. The test may kill what it leads to. */
export function operatorOf(url: string, options: RedisOptions = {}): Redis {
  const operator = new Redis(url, options);
  operator.on('error', () => {});
  onTestFinished(() => operator.disconnect());
  return operator;
}

/** A link as a gateway has one, to the server or the nodes at `url`, until the test ends; and where a key is. */
export async function linkTo(url: string, clock: Clock, timeoutMs = 5000) {
  const redis = await connectRedis({ nodes: url.split(',').map((node) => new URL(node)) });
  const masterOf = (key: string) => nodeOf(redis, key);
  const link = createRedisLink({ redis, clock, timeoutMs, nodeOf: masterOf, onChange() {} });
  onTestFinished(() => link.close());
  return { link, masterOf };
}

function closedAfterwards<T extends { close(): Promise<void> }>(started: T): T {
  try {
    onTestFinished(() => started.close());
  } catch {
    // Not in a test; its process ends at the latest with this one.
  }
  return started;
}
