// One channel, heard without end: on a connection that is made again whenever it breaks or falls silent.
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { withinTime } from './within-time.ts';

export type SubscriptionOptions = {
  redis: Redis | Cluster;
  clock: Clock;
  /** How long Redis may take to answer, in milliseconds. */
  timeoutMs: number;
  channel: string;
  heard(message: string): void;
  /** Called whenever messages may have been lost: each time that listening begins. */
  missed(): void;
};

/** How often a silent connection is asked whether it still is one, in milliseconds. */
const HEARTBEAT_MS = 5000;
/** The pause before the next try, in milliseconds. */
const PAUSE_MS = 500;
/** A connection takes longer to make than an answer to come. */
const CONNECT_MS = 2000;

/** Listens from the moment that `redis` is connected. */
export function createSubscription({ redis, clock, timeoutMs, channel, heard, missed }: SubscriptionOptions) {
  const closed = new AbortController();
  const begin = () => void listenOn();
  if (redis.status === 'ready') begin();
  else redis.once('ready', begin);

  async function listenOn(): Promise<void> {
    while (!closed.signal.aborted) {
      // What ends a connection is seen and logged by those who ask; here it only matters that the next one is made.
      await listen().catch(() => {});
      await clock.sleep(PAUSE_MS, closed.signal).catch(() => {});
    }
  }

  /** Ends, by a rejection, when the connection does. */
  async function listen(): Promise<void> {
    const connection = anyNode().duplicate({
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      retryStrategy: () => null,
    });
    const ended = new AbortController();
    const disconnect = () => connection.disconnect();
    closed.signal.addEventListener('abort', disconnect, { once: true });
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
      closed.signal.removeEventListener('abort', disconnect);
      disconnect();
    }
  }

  /** A message that is published on one node of a cluster is heard on all. */
  function anyNode(): Redis {
    if (!('nodes' in redis)) return redis;
    const nodes = redis.nodes('all').filter(({ status }) => status === 'ready' || status === 'wait');
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (!node) throw new Error('no node of the cluster is there');
    return node;
  }

  return {
    close(): void {
      redis.off('ready', begin);
      closed.abort();
    },
  };
}
