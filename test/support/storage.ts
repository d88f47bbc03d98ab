// The stores that gateways cache in beside their own memory; the same tests run on each.
import { afterAll, beforeAll } from 'vitest';
import { startRedis, startRedisCluster } from './redis.ts';

export type Storage = 'memory alone' | 'Redis' | 'Redis Cluster';

export const STORAGES: readonly Storage[] = ['memory alone', 'Redis', 'Redis Cluster'];
export const SHARED_STORAGES: readonly Storage[] = ['Redis', 'Redis Cluster'];

/** Options of `openGateway`. */
export type StorageSettings = { sdkAppId: number; env: Record<string, string> };

let apps = 1_500_000_000;

/**
 * Starts the storage for the tests of a `describe` block. What it answers gives a test the options for `openGateway`, each
 * time with an app of its own, so that no test finds what another one left behind.
 */
export function useStorage(storage: Storage) {
  let started: { url: string; close(): Promise<unknown> } | undefined;
  beforeAll(async () => {
    if (storage === 'Redis') started = await startRedis();
    if (storage === 'Redis Cluster') started = await startRedisCluster();
  });
  afterAll(() => started?.close());

  return (): StorageSettings => {
    // A busy machine is not to be taken for an outage.
    const env = started && { REDIS_URL: started.url, REDIS_TIMEOUT_MS: '5000' };
    return { sdkAppId: apps++, env: { ...env } };
  };
}
