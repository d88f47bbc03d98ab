// One channel, heard without end: on a connection that is made again whenever it breaks or falls silent.
import type { Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { type RedisClient, withinTime } from './redis-link.ts';

export type SubscriptionOptions = {
  redis: RedisClient;
  clock: Clock;
  /** How long Redis may take to answer, in milliseconds. */
  timeoutMs: number;
  channel: string;
  heard(message: string): void;
  /** Called whenever messages may have been lost: each time that listening begins. */
  missed(): void;
  /** Ends it. */
  signal: AbortSignal;
};

/** How often a silent connection is asked whether it still is one, in milliseconds. */
const HEARTBEAT_MS = 5000;
/** The pause before the next try, in milliseconds. */
const PAUSE_MS = 500;
/** A connection takes longer to make than an answer to come. */
const CONNECT_MS = 2000;

/** Listens from the moment that `redis` is connected. */
export function subscribe({ redis, clock, timeoutMs, channel, heard, missed, signal }: SubscriptionOptions): void {
  const begin = () => void listenOn();
  if (redis.status === 'ready') begin();
  else redis.once('ready', begin);

  async function listenOn(): Promise<void> {
    while (!signal.aborted) {
      // What ends a connection shows in the commands of the link; here it only matters that the next one is made.
      await listen(anyNode(redis)).catch(() => {});
      await clock.sleep(PAUSE_MS, signal).catch(() => {});
    }
  }

  /** Ends, by a rejection, when the connection does. */
  async function listen(node: Redis | undefined): Promise<void> {
    const connection = node?.duplicate({ lazyConnect: true, enableAutoPipelining: false, retryStrategy: () => null });
    if (!connection) return;
    const ended = new AbortController();
    const disconnect = () => connection.disconnect();
    signal.addEventListener('abort', disconnect);
    connection.on('error', () => {});
    connection.on('end', () => ended.abort());
    connection.on('message', (_channel, message) => heard(message));
    try {
      await withinTime(clock, CONNECT_MS, connection.connect());
      await withinTime(clock, CONNECT_MS, connection.subscribe(channel));
      missed();
      for (;;) {
        await clock.sleep(HEARTBEAT_MS, ended.signal);
        await withinTime(clock, timeoutMs, connection.ping());
      }
    } finally {
      signal.removeEventListener('abort', disconnect);
      disconnect();
    }
  }
}

/** A message that is published on one node of a cluster is heard on all. */
function anyNode(redis: RedisClient): Redis | undefined {
  if (!('nodes' in redis)) return redis;
  const nodes = redis.nodes('all').filter(({ status }) => status === 'ready' || status === 'wait');
  return nodes[Math.floor(Math.random() * nodes.length)];
}
