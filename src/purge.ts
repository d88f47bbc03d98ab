// The command `purge`: makes all gateways drop what they cached of users, in Redis and each in its own memory.
import type { RedisClient } from './cache/redis-link.ts';
import { systemClock as clock } from './clock.ts';
import { type Environment, readConfig } from './config.ts';
import { CommandFailure, ConfigError, UsageError } from './errors.ts';
import { type Caches, createCaches } from './follow/caches.ts';
import { ALL_INVALID, groupsOf, invalidationChannel, writeInvalid } from './follow/invalidation.ts';
import { openRedis } from './redis/connect.ts';

/** How long an answer of Redis may take: longer than gateways wait, which carry on without. */
const TIMEOUT_MS = 10_000;
/** How many keys Redis is asked to look at in one step. */
const SCAN_STEP = 1000;

/** Runs the command for these users, or for all; resolves with what it did, in words. */
export async function purge(env: Environment, userIds: readonly string[] | 'everything'): Promise<string> {
  const config = readConfig(env);
  const isAll = userIds === 'everything';
  const impossible = isAll ? [] : userIds.filter((id) => !config.userIdPattern.test(id));
  if (impossible.length > 0)
    throw new UsageError(`${impossible.map((id) => `"${id}"`).join(', ')} cannot be a UserID.`);
  let refusal = 'it refused';
  const settings = { ...config, redis: config.redis && { ...config.redis, timeoutMs: TIMEOUT_MS } };
  const redis = await openRedis(settings, clock, (_isUp, reason) => {
    refusal = reason;
  });
  if (!redis)
    throw new ConfigError([
      'REDIS_URL is missing: without Redis each gateway caches in its own memory alone. Restart the gateways to purge it',
    ]);
  const { client, link, prefix } = redis;
  // The generations that hide old entries in Redis must outlive them, hence with the lifetimes of the gateways.
  const caches = createCaches({ ...config, clock, redis });
  try {
    if (isAll) return `Everything is purged: ${await purgeAll(client, prefix, caches)} keys were removed from Redis.\n`;
    const groups = userIds.flatMap((userId) => groupsOf({ type: 'user-changed', userId }));
    const areInvalid = await Promise.all(groups.map(({ kind, group }) => caches[kind].invalidate(group)));
    const isTold = await link.publish(invalidationChannel(prefix), writeInvalid(groups));
    if (!isTold || areInvalid.includes(false)) throw new Error(refusal);
    return `Purged: ${userIds.join(', ')}.\n`;
  } catch (error) {
    throw new CommandFailure(`Redis did not purge: ${(error as Error).message}\nTry again.`);
  } finally {
    link.close();
  }
}

/** Resolves with the number of keys that were removed. */
async function purgeAll(redis: RedisClient, prefix: string, caches: Caches): Promise<number> {
  // Before, so that running reads are not stored any more; and after, since a gateway may have read a key meanwhile.
  await redis.publish(invalidationChannel(prefix), ALL_INVALID);
  let removed = 0;
  for (const master of 'nodes' in redis ? redis.nodes('master') : [redis]) {
    const found: AsyncIterable<string[]> = master.scanStream({ match: `${prefix}:*`, count: SCAN_STEP });
    for await (const keys of found) {
      // One by one: a cluster takes no command for keys of several slots. ioredis sends them together all the same.
      const counts = await Promise.all(keys.filter(isEntry).map((key) => redis.unlink(key)));
      removed += counts.reduce((sum, count) => sum + count, 0);
    }
  }
  await redis.publish(invalidationChannel(prefix), ALL_INVALID);
  return removed;

  /** Neither a key of the budget, nor a generation: those keep running reads from storing what is purged. */
  function isEntry(key: string): boolean {
    const [kind = ''] = key.slice(prefix.length + 1).split(':', 1);
    return Object.hasOwn(caches, kind) && !key.endsWith('}::generation');
  }
}
