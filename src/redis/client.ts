// Makes Redis clients: the one place that constructs ioredis.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import querystring from 'node:querystring';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisClient } from '../cache/redis-link.ts';
import type { Config } from '../config.ts';
import { ConfigError } from '../errors.ts';

/** One server, nodes of a cluster, or Sentinels. Whether a single node `isCluster` is found out where it is not said. */
export type RedisSettings = { nodes: readonly URL[] } & Partial<NonNullable<Config['redis']>>;

/** Loaded where Redis is set: it would take 80 ms of every other start. */
const require = createRequire(import.meta.url);
const loadIoredis = (): typeof import('ioredis') => require('ioredis');

const CONNECT_TIMEOUT_MS = 2000;
/** A machine that lost its power tells nothing, and TCP gives it a quarter of an hour; another may have taken its place. */
const SILENCE_MS = 5000;
const LONGEST_RECONNECT_PAUSE_MS = 2000;
/** All commands that were under way are refused, and one reconnection is enough for them. */
const LEAVE_EVERY_MS = 400;

/** Begins every key and channel of an app, so that two apps in one Redis never mix. */
export const keyPrefixOf = (sdkAppId: number): string => `follow-gateway:${sdkAppId}`;

export const areSentinels = ([first]: readonly URL[]): boolean => first?.protocol.endsWith('+sentinel:') ?? false;

/** A client for one server, or for the primary that Sentinels name. It connects when it is told to. */
export function createServerClient(settings: RedisSettings): Redis {
  const { Redis } = loadIoredis();
  const options = optionsOf(settings);
  const name = settings.nodes[0]?.pathname.slice(1) ?? '';
  if (!areSentinels(settings.nodes))
    return new Redis({ ...options, ...addressesOf(settings, 6379)[0], db: Number(name || 0) });
  return new Redis({
    ...options,
    sentinels: addressesOf(settings, 26_379),
    name,
    sentinelPassword: options.password,
    sentinelTLS: options.tls,
    enableTLSForSentinelMode: Boolean(options.tls),
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
  });
}

/** The same for a cluster, which tells all its nodes once one of those that are set is found. */
export function createClusterClient(settings: RedisSettings): Cluster {
  if (!/^\/?0?$/.test(settings.nodes[0]?.pathname ?? ''))
    throw new ConfigError(['REDIS_URL leads to a cluster, which has no numbered databases: leave the number out']);
  const { Cluster } = loadIoredis();
  return new Cluster(addressesOf(settings, 6379), {
    redisOptions: optionsOf(settings),
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

/** The node of a cluster that has `key`, as far as the client knows; where there is one node, it has no name. */
export function nodeOf(redis: RedisClient, key: string): string {
  if (!('slots' in redis)) return '';
  const { Command } = loadIoredis();
  const slot = new Command('get', [key]).getSlot();
  return (slot !== null && redis.slots[slot]?.[0]) || '';
}

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, '');

const addressesOf = ({ nodes }: RedisSettings, port: number) =>
  nodes.map((node) => ({ host: hostOf(node), port: Number(node.port || port) }));

function optionsOf(settings: RedisSettings): RedisOptions {
  const { timeoutMs = 0 } = settings;
  const { username, password } = settings.nodes[0] as URL;
  let leftAt = Number.NEGATIVE_INFINITY;
  return {
    // A percent sign that stands for itself is taken as it is.
    username: username ? querystring.unescape(username) : undefined,
    password: password ? querystring.unescape(password) : undefined,
    tls: tlsOf(settings),
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: Math.max(SILENCE_MS, timeoutMs),
    lazyConnect: true,
    // A command fails at once while Redis is not there, so that its caller carries on without.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Commands of the same tick go in one packet.
    enableAutoPipelining: true,
    // A master that was demoted is left for the one that has taken its place under the same name.
    reconnectOnError({ message }) {
      const isLeft = message.startsWith('READONLY') && performance.now() > leftAt + LEAVE_EVERY_MS;
      if (isLeft) leftAt = performance.now();
      return isLeft;
    },
    retryStrategy: (times) => Math.min(times * 100, LONGEST_RECONNECT_PAUSE_MS),
  };
}

function tlsOf({ nodes, caPath }: RedisSettings): RedisOptions['tls'] {
  if (!nodes[0]?.protocol.startsWith('rediss')) return undefined;
  return {
    ca: caPath ? readCertificates(caPath) : undefined,
    // Nodes are announced by their addresses, while their certificates may name the host that is set.
    checkServerIdentity(host: string, certificate: PeerCertificate) {
      const isNamed = (name: string) => !checkServerIdentity(name, certificate);
      return nodes.map(hostOf).some(isNamed) ? undefined : checkServerIdentity(host, certificate);
    },
  };
}

function readCertificates(path: string): Buffer {
  try {
    const certificates = readFileSync(path);
    new X509Certificate(certificates);
    return certificates;
  } catch {
    throw new ConfigError(['REDIS_CA must be the path of a file that can be read, with certificates in PEM']);
  }
}
