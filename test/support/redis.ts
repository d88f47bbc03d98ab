// Redis for one test: it is gone when the test is.
import { onTestFinished } from 'vitest';
import {
  type RedisClusterProcesses,
  type RedisProcess,
  startRedisClusterProcesses,
  startRedisProcess,
} from './redis-process.ts';

/**
 * Starts a server for the running test, or for the file: then whoever starts it, for example in `beforeAll`, closes it.
 * A test may kill or pause it as it likes.
 */
export async function startRedis(options?: { args?: readonly string[] }): Promise<RedisProcess> {
  return closedAfterwards(await startRedisProcess(options));
}

/** Starts a cluster of three masters; `url` names them all, separated by commas. */
export async function startRedisCluster(): Promise<RedisClusterProcesses> {
  return closedAfterwards(await startRedisClusterProcesses());
}

/** The URL of a Redis that the test leaves alone: the one in REDIS_URL where there is one. Use keys of your own. */
export async function redisUrl(): Promise<string> {
  return process.env.REDIS_URL ?? (await startRedis()).url;
}

function closedAfterwards<T extends { close(): Promise<void> }>(started: T): T {
  try {
    onTestFinished(() => started.close());
  } catch {
    // Not in a test; its process ends at the latest with this one.
  }
  return started;
}
