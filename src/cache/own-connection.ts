// A connection of one's own, made anew whenever it breaks: for those who have to wait on it for what Redis says next.
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { withinTime } from './within-time.ts';

export type OwnConnectionOptions = {
  redis: Redis | Cluster;
  clock: Clock;
  /** The node to connect to; fails while there is none. */
  node(): Redis | Promise<Redis>;
  /** What to do on the connection; it is given up as soon as this ends or rejects. `ended` aborts when it breaks. */
  use(connection: Redis, ended: AbortSignal): Promise<void>;
};

/** The pause before the next try. */
const PAUSE_MS = 500;
/** A connection takes longer to make than an answer to come. */
export const CONNECT_MS = 2000;

/** Connects from the moment that `redis` is connected. */
export function keepConnection({ redis, clock, node, use }: OwnConnectionOptions) {
  const closed = new AbortController();
  const begin = () => void connectOn();
  if (redis.status === 'ready') begin();
  else redis.once('ready', begin);

  async function connectOn(): Promise<void> {
    while (!closed.signal.aborted) {
      // What ends a connection is seen and logged by those who ask; here it only matters that the next one is made.
      await connect().catch(() => {});
      await clock.sleep(PAUSE_MS, closed.signal).catch(() => {});
    }
  }

  /** Ends, by a rejection, when the connection does. */
  async function connect(): Promise<void> {
    const target = await node();
    const connection = target.duplicate({
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      retryStrategy: () => null,
    });
    const ended = new AbortController();
    const disconnect = () => connection.disconnect();
    if (closed.signal.aborted) return;
    closed.signal.addEventListener('abort', disconnect, { once: true });
    connection.on('error', () => {});
    connection.on('end', () => ended.abort());
    try {
      await withinTime(clock, CONNECT_MS, connection.connect());
      await use(connection, ended.signal);
    } finally {
      closed.signal.removeEventListener('abort', disconnect);
      disconnect();
    }
  }

  return {
    close(): void {
      redis.off('ready', begin);
      closed.abort();
    },
  };
}
