// How many requests one client may make in a minute, over all replicas; and behind which address a client is.
import type { IncomingMessage } from 'node:http';
import { isIPv4, SocketAddress } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyAddress from 'proxy-addr';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Viewer } from '../auth/authentication.ts';
import type { RedisClient } from '../cache/redis-link.ts';
import type { Redis } from '../cache/redis-store.ts';
import type { Config } from '../config.ts';

/** Counts a request: in how many seconds its client may come again; null when it may go on. */
export type ClientRateLimit = (request: IncomingMessage, viewer: Viewer | null) => Promise<number | null>;

/**
 * Makes the limit, which replicas count together in Redis; without it each counts alone. Addresses are personal data:
 * nothing logs them.
 */
export function createClientRateLimit(
  { rateLimitPerMinute, trustProxy }: Config,
  redis: (Redis & { client: RedisClient }) | null,
): ClientRateLimit {
  if (rateLimitPerMinute === null) return async () => null;
  const options = { points: rateLimitPerMinute, duration: 60 };
  // Loaded where there is a limit: it takes 40 ms of a start.
  const limiters = import('rate-limiter-flexible').then(({ RateLimiterMemory, RateLimiterRedis }) => ({
    alone: new RateLimiterMemory(options),
    shared: redis && new RateLimiterRedis({ ...options, storeClient: redis.client, keyPrefix: `${redis.prefix}:rate` }),
  }));
  const isTrusted =
    typeof trustProxy === 'number'
      ? (_address: string, hop: number) => hop < trustProxy
      : proxyAddress.compile([...trustProxy]);

  return async (request, viewer) => {
    const { alone, shared } = await limiters;
    const client = viewer ? `by ${viewer.userId}` : `from ${networkOf(proxyAddress(request, isTrusted))}`;
    const seconds = shared && (await redis?.link.ask(() => count(shared, client), shared.getKey(client)));
    return (seconds ?? (await count(alone, client))) || null;
  };
}

export const tooManyRequests = (seconds: number): string =>
  `Too many requests: try again in ${seconds} second${seconds === 1 ? '' : 's'}.`;

/** In how many seconds the client may come again; 0 when it need not wait. */
async function count(limiter: RateLimiterAbstract, client: string): Promise<number> {
  const { consumedPoints, msBeforeNext } = await limiter.penalty(client);
  return consumedPoints > limiter.points ? Math.max(1, Math.ceil(msBeforeNext / 1000)) : 0;
}

/** An IPv4 address, or the half of an IPv6 address that one customer has: the rest they choose as they like. */
function networkOf(address: string): string {
  // Sockets that take both versions write IPv4 as IPv6, and some proxies note the port too.
  const noted = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIPv4(noted)) return noted;
  const { address: alone = noted } = SocketAddress.parse(noted) ?? {};
  const parsed = ipaddr.isValid(alone) ? ipaddr.process(alone) : null;
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : `${parsed ?? noted}`;
}
