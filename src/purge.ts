// An operator's way to make all gateways forget: what they share in Redis, and what each holds in its own memory.
import { randomUUID } from 'node:crypto';
import type { RedisClient, RedisLink } from './cache/redis-link.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { ConfigError } from './errors.ts';
import { groupsOf } from './follow/forgetting.ts';
import { createMemories } from './follow/kinds.ts';
import { EVERYTHING, forgetChannel, writeMessage } from './follow/replicas.ts';
import { connectRedis, createRedisClient, keyPrefixOf } from './redis.ts';

/** Both reject when Redis does not take it. */
export type Purge = {
  /** Forgets the lists, counts and profiles of these users. */
  users(userIds: readonly string[]): Promise<void>;
  /** Forgets all; resolves with the number of keys that were removed from Redis. */
  everything(): Promise<number>;
  close(): void;
};

/** How many keys Redis is asked to look at in one step. */
const SCAN_STEP = 1000;

/** Connects to the Redis of the settings, or throws a `ConfigError`. */
export async function createPurge(config: Config): Promise<Purge> {
  if (!config.redis) {
    throw new ConfigError([
      'REDIS_URL is missing: without Redis each gateway remembers in its own memory, which no other process can reach. Restart the gateways to make them forget',
    ]);
  }
  const redis = createRedisClient(config.redis.nodes);
  // Without a listener a lost connection would end the process; the command that meets it says so.
  redis.on('error', () => {});
  await connectRedis(redis);
  const prefix = keyPrefixOf(config.tencent.sdkAppId);
  const channel = forgetChannel(prefix);
  // What hides the old in Redis must outlive it, hence with the lifetimes that the gateways have.
  const memories = createMemories({
    ...config,
    clock: systemClock,
    redis: { link: strictLink(redis), prefix, replica: randomUUID() },
  });

  return {
    async users(userIds) {
      const groups = userIds.flatMap((userId) => groupsOf({ type: 'user-changed', userId }));
      await Promise.all(groups.map(({ kind, group }) => memories[kind].forget(group)));
      await redis.publish(channel, writeMessage(groups.map((group) => ({ ...group, confirmed: true }))));
    },
    async everything() {
      // Told before, so that reads that are under way are not written any more; and after, since a gateway may have
      // looked here meanwhile.
      await redis.publish(channel, EVERYTHING);
      let removed = 0;
      for (const master of 'nodes' in redis ? redis.nodes('master') : [redis]) {
        for (let cursor: string | undefined; cursor !== '0'; ) {
          const [next, keys] = await master.scan(cursor ?? '0', 'MATCH', `${prefix}:*`, 'COUNT', SCAN_STEP);
          cursor = next;
          removed += await remove(keys.filter(isRemembered));
        }
      }
      await redis.publish(channel, EVERYTHING);
      return removed;
    },
    close: () => redis.disconnect(),
  };

  /** Neither the budget's keys, nor the marks that keep a read which is under way from bringing back what was forgotten. */
  function isRemembered(key: string): boolean {
    const [kind = ''] = key.slice(prefix.length + 1).split(':', 1);
    return Object.hasOwn(memories, kind) && !/\{[^}]*\}::forgotten$/.test(key);
  }

  // One by one, since a cluster takes no command for keys of several slots; they travel together all the same.
  async function remove(keys: readonly string[]): Promise<number> {
    const counts = await Promise.all(keys.map((key) => redis.unlink(key)));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

/** A link that tells a failure instead of carrying on without: whoever purges wants to know. */
function strictLink(redis: RedisClient): RedisLink {
  return {
    ask: (command) => command(redis),
    run: ({ lua }, keys, args) => redis.eval(lua, keys.length, ...keys, ...args),
    isUp: () => true,
    whenBack() {},
    subscribe() {},
    publish: async () => true,
    close() {},
  };
}
