// Connects to what REDIS_URL leads to, of whatever kind; says in words what is wrong with it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createRedisLink, type RedisClient, type RedisLinkOptions } from '../cache/redis-link.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { ConfigError } from '../errors.ts';
import {
  areSentinels,
  createClusterClient,
  createServerClient,
  keyPrefixOf,
  nodeOf,
  type RedisSettings,
} from './client.ts';

/** How long a start waits for Redis, so that one which accepts connections but is silent is told too. */
const START_TIMEOUT_MS = 8000;
/** A key and a channel. */
const START = 'follow-gateway:start';

/** A link to the Redis of a gateway, and what is below it; null where none is set. `prefix` begins all keys. */
export async function openRedis(
  { redis: settings, tencent }: Pick<Config, 'redis' | 'tencent'>,
  clock: Clock,
  onChange: RedisLinkOptions['onChange'],
) {
  if (!settings) return null;
  const client = await connectRedis(settings);
  const address = settings.nodes[0]?.hostname;
  const place = { address, nodeOf: (key: string) => nodeOf(client, key) };
  const link = createRedisLink({ redis: client, clock, timeoutMs: settings.timeoutMs, onChange, ...place });
  return { client, link, prefix: keyPrefixOf(tencent.sdkAppId) };
}

/** Connects, or throws a `ConfigError`: a server that a gateway could not work with refuses its start. */
export async function connectRedis(settings: RedisSettings): Promise<RedisClient> {
  const { nodes, isCluster } = settings;
  if (isCluster || (nodes.length > 1 && !areSentinels(nodes))) {
    const cluster = createClusterClient(settings);
    await connect(cluster, () => cluster.nodes('master'));
    return cluster;
  }
  const redis = createServerClient(settings);
  if (!(await connect(redis, () => [redis]))) return redis;
  redis.disconnect();
  return connectRedis({ ...settings, isCluster: true });
}

/** Connects for a moment, and says what is there; throws a `ConfigError` when it is of no use. */
export async function checkRedis(settings: RedisSettings): Promise<string> {
  const redis = await connectRedis(settings);
  try {
    const info = await redis.info('server').catch(() => '');
    const version = /valkey_version:(\S+)/.exec(info)?.[1];
    const server = version ? `Valkey ${version}` : `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? 'or alike'}`;
    await redis.eval("return redis.call('SET', KEYS[1], '', 'PX', 1)", 1, START);
    const single = areSentinels(settings.nodes) ? 'primary that Sentinels name' : 'standalone';
    const kind = 'nodes' in redis ? `cluster of ${redis.nodes('master').length} masters` : single;
    return `${kind}, ${server}, which takes writes and scripts`;
  } catch (error) {
    throw new ConfigError([`REDIS_URL ${explain(error as Error)}`]);
  } finally {
    redis.disconnect();
  }
}

/** Resolves with whether a node belongs to a cluster. Some of a cluster's nodes may be dead. */
async function connect(redis: RedisClient, nodes: () => Redis[]): Promise<boolean> {
  let lastError: Error | undefined;
  const note = (error: Error) => {
    lastError = error;
  };
  // For good: without a listener a lost connection would end the process.
  redis.on('error', note);
  redis.on('node error', note);
  const giveUp = () => Promise.reject(lastError ?? new Error('timed out'));
  const timeout = sleep(START_TIMEOUT_MS, undefined, { ref: false }).then(giveUp);
  const connected = redis.connect().catch((error: Error) => Promise.reject(lastError ?? error));
  try {
    return await Promise.race([connected.then(() => Promise.any(nodes().map(tryOut))), timeout]);
  } catch (error) {
    redis.disconnect();
    throw new ConfigError([`REDIS_URL ${explain(error as Error)}`]);
  }
}

/** Resolves with whether it is a node of a cluster; rejects on a replica, a Sentinel, and where the user may not write. */
async function tryOut(redis: Redis): Promise<boolean> {
  // No user may be forbidden to ask this.
  const hello = JSON.stringify(await redis.call('HELLO').catch(() => null));
  const [, mode] = /"mode"[,:]"(\w+)"/.exec(hello) ?? [];
  if (mode === 'sentinel') throw new Error('REDIS_MODE sentinel');
  try {
    const takesHash = redis.evalsha('0'.repeat(40), 0).catch((error: Error) => {
      if (!error.message.startsWith('NOSCRIPT')) throw error;
    });
    const kept = [redis.set(START, '', 'PX', 1), redis.eval('return 1', 0), takesHash, redis.publish(START, '')];
    await Promise.all([...kept, redis.xadd(`${START}:none`, 'NOMKSTREAM', '*', 'value', '')]);
  } catch (error) {
    const { name, message } = error as Error;
    if (message.startsWith('MOVED')) return true;
    // Redis may refuse for a while, as one that is full does.
    if (name !== 'ReplyError' || /^(READONLY|NOPERM|ERR unknown command)/.test(message)) throw error;
  }
  return mode === 'cluster';
}

const EXPLANATIONS: [RegExp, string][] = [
  [/WRONGPASS|NOAUTH|invalid username-password|without any password/i, 'is refused: the user or password is wrong'],
  [/NOPERM/, 'names a user who may not do what is needed: deploy/README.md has the rights'],
  [/READONLY/, 'leads to a replica that can only be read: name the primary'],
  [/REDIS_MODE sentinel/, 'leads to a Sentinel: name all of them and the primary, as redis+sentinel://host:port/name'],
  [/altname/i, 'leads to a server whose certificate names another host'],
  [/certificate/i, 'leads to a server whose certificate is not trusted: name its authority by REDIS_CA'],
  [/cluster support disabled|unknown command .?cluster/i, 'is no cluster: name one address, without REDIS_CLUSTER'],
  [/unknown command/, 'leads to a server that lacks a command which is needed, or has it under another name'],
  [/All promises were rejected/, 'leads to a cluster of which no node serves'],
  [/ENOTFOUND|EAI_AGAIN/, 'names a host that cannot be found'],
  [/ECONNREFUSED/, 'leads to a host where nothing listens at that port'],
  [/Connection is closed/, 'leads to a host that closes the connection, or where nothing listens at that port'],
  [/timed? ?out|ETIMEDOUT/i, 'leads to a host that does not answer'],
  [/No such master/, 'leads to Sentinels that watch no primary of that name'],
];

/** Says what is wrong without repeating the URL, which may hold a password. */
function explain(error: Error & { code?: string; lastNodeError?: Error; errors?: Error[] }): string {
  const { code, message }: typeof error = error.lastNodeError ?? error.errors?.[0] ?? error;
  const [, explanation] = EXPLANATIONS.find(([pattern]) => pattern.test(`${code} ${message}`)) ?? [];
  return explanation ?? `cannot be used: ${message.replace(/redis\S*:\/\/\S+/g, '…')}`;
}
