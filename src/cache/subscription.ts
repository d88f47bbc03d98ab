// One channel, heard without end: on a connection of its own that is made anew whenever it breaks or falls silent.
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { CONNECT_MS, keepConnection } from './own-connection.ts';
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

/** Listens from the moment that `redis` is connected. */
export function createSubscription({ redis, clock, timeoutMs, channel, heard, missed }: SubscriptionOptions) {
  return keepConnection({
    redis,
    clock,
    node: anyNode,
    async use(connection, ended) {
      connection.on('message', (_channel, message) => heard(message));
      await withinTime(clock, CONNECT_MS, connection.subscribe(channel));
      missed();
      for (;;) {
        await clock.sleep(HEARTBEAT_MS, ended);
        await withinTime(clock, timeoutMs, connection.ping());
      }
    },
  });

  /** A message that is published on one node of a cluster is heard on all. */
  function anyNode(): Redis {
    if (!('nodes' in redis)) return redis;
    const nodes = redis.nodes('all').filter(({ status }) => status === 'ready' || status === 'wait');
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (!node) throw new Error('no node of the cluster is there');
    return node;
  }
}
