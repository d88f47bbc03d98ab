// Makes the Redis client: the one place that constructs ioredis.
import { createRequire } from 'node:module';
import type { Redis, RedisOptions } from 'ioredis';
import type { RedisClient } from './cache/redis-link.ts';
import { ConfigError } from './errors.ts';

/** Loaded where Redis is set: it would take 80 ms of every other start. */
const require = createRequire(import.meta.url);
const loadIoredis = (): typeof import('ioredis') => require('ioredis');

const CONNECT_TIMEOUT_MS = 2000;
const LONGEST_RECONNECT_PAUSE_MS = 2000;
/** All commands that were under way are refused, and one reconnection is enough for them. */
const LEAVE_EVERY_MS = 400;
/** How long a start waits for Redis, so that one which accepts connections but is silent is told too. */
const START_TIMEOUT_MS = 8000;
const START_KEY = 'follow-gateway:start';

/**
 * Begins every key of an app, so that two apps in one Redis never mix. The number names the format of what is kept: a
 * release that changes it never reads what another one wrote.
 */
export const keyPrefixOf = (sdkAppId: number): string => `follow-gateway:4:${sdkAppId}`;

/** A client for one node, or for a cluster where several are named. It connects when `connectRedis` says so. */
export function createRedisClient(nodes: readonly URL[]): RedisClient {
  const { Cluster, Redis } = loadIoredis();
  const [first] = nodes as [URL, ...URL[]];
  let leftAt = Number.NEGATIVE_INFINITY;
  const options: RedisOptions = {
    username: first.username ? decodeURIComponent(first.username) : undefined,
    password: first.password ? decodeURIComponent(first.password) : undefined,
    tls: first.protocol === 'rediss:' ? {} : undefined,
    connectTimeout: CONNECT_TIMEOUT_MS,
    lazyConnect: true,
    // A command fails at once while Redis is not there, so that its caller carries on without.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // What is asked in the same tick goes in one packet.
    enableAutoPipelining: true,
    // A master that was demoted is left for the one that has taken its place under the same name.
    reconnectOnError({ message }) {
      const isLeft = message.startsWith('READONLY') && performance.now() > leftAt + LEAVE_EVERY_MS;
      if (isLeft) leftAt = performance.now();
      return isLeft;
    },
    retryStrategy: (times) => Math.min(times * 100, LONGEST_RECONNECT_PAUSE_MS),
  };
  const addresses = nodes.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
  }));
  if (addresses.length > 1) {
    return new Cluster(addresses, {
      redisOptions: options,
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      // The check asks one node at random and waits for it without end: a dead one would keep the others from serving.
      enableReadyCheck: false,
      clusterRetryStrategy: (times) => Math.min(times * 100, LONGEST_RECONNECT_PAUSE_MS),
      slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      maxRedirections: 4,
      retryDelayOnFailover: 50,
    });
  }
  return new Redis({ ...options, ...addresses[0], db: Number(first.pathname.slice(1) || 0) });
}

/** The node of a cluster that has `key`, as far as the client knows; where there is one node, it has no name. */
export function nodeOf(redis: RedisClient, key: string): string {
  if (!('slots' in redis)) return '';
  const { Command } = loadIoredis();
  const slot = new Command('get', [key]).getSlot();
  return (slot !== null && redis.slots[slot]?.[0]) || '';
}

/** Connects for a moment, and says what is there; throws a `ConfigError` when it is of no use. */
export async function checkRedis(nodes: readonly URL[]): Promise<string> {
  const redis = createRedisClient(nodes);
  redis.on('error', () => {});
  await connectRedis(redis);
  try {
    const [, version = 'of an unknown version'] = /redis_version:(\S+)/.exec(await redis.info('server')) ?? [];
    await redis.eval("return redis.call('SET', KEYS[1], '', 'PX', 1)", 1, START_KEY);
    const kind = nodes.length > 1 ? `cluster of ${nodes.length} named nodes` : 'standalone';
    return `${kind}, Redis ${version}, which takes writes and scripts`;
  } catch (error) {
    throw new ConfigError([`REDIS_URL ${explain(error as Error)}`]);
  } finally {
    redis.disconnect();
  }
}

/** Connects, or throws a `ConfigError` that names the setting: a start with a wrong URL or password is refused. */
export async function connectRedis(redis: RedisClient): Promise<void> {
  let lastError: Error | undefined;
  const note = (error: Error) => {
    lastError = error;
  };
  const { promise: patience, reject: giveUp } = Promise.withResolvers<never>();
  const timer = setTimeout(() => giveUp(new Error('timed out')), START_TIMEOUT_MS);
  redis.on('error', note);
  redis.on('node error', note);
  try {
    await Promise.race([connectToAny(redis), patience]);
  } catch (error) {
    redis.disconnect();
    throw new ConfigError([`REDIS_URL ${explain(lastError ?? (error as Error))}`]);
  } finally {
    clearTimeout(timer);
    redis.off('error', note);
    redis.off('node error', note);
  }
}

/** A cluster of which one node is dead is still one to work with. */
async function connectToAny(redis: RedisClient): Promise<void> {
  await redis.connect();
  if ('nodes' in redis) await Promise.any(redis.nodes('master').map((node) => node.ping()));
  else await refuseOtherKinds(redis);
}

/** A replica, a Sentinel and a node of a cluster answer, and would refuse what a gateway asks for as long as it runs. */
async function refuseOtherKinds(redis: Redis): Promise<void> {
  await redis.ping();
  // A user of Redis may be forbidden to ask.
  const [, mode] = /redis_mode:(\w+)/.exec(await redis.info('server').catch(() => '')) ?? [];
  if (mode === 'sentinel' || mode === 'cluster') throw new Error(`REDIS_MODE ${mode}`);
  await redis.set(START_KEY, '', 'PX', 1).catch((error: Error) => {
    if (error.message.startsWith('READONLY')) throw error;
  });
}

/** Says what is wrong without repeating the URL, which may hold a password. */
function explain(error: Error & { code?: string; lastNodeError?: Error }): string {
  const { code, message } = error.lastNodeError ? Object.assign(error.lastNodeError, { code: undefined }) : error;
  if (/WRONGPASS|NOAUTH|invalid username-password|without any password/i.test(message))
    return 'is refused: the user or password is wrong';
  if (message.startsWith('READONLY')) return 'leads to a replica that can only be read: name the primary';
  if (message === 'REDIS_MODE sentinel')
    return 'leads to a Sentinel: name the primary that it watches, by a stable name';
  if (message === 'REDIS_MODE cluster') return 'names one node of a cluster: name several, separated by commas';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'names a host that cannot be found';
  if (code === 'ECONNREFUSED' || /ECONNREFUSED/.test(message))
    return 'leads to a host where nothing listens at that port';
  if (/timed? ?out|ETIMEDOUT/i.test(message)) return 'leads to a host that does not answer';
  return `cannot be used: ${message.replace(/rediss?:\/\/\S+/g, '…')}`;
}
