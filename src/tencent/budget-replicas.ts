// How many replicas share the budget: each one signs a list in Redis every two seconds.
import { randomUUID } from 'node:crypto';
import { defineScript, type RedisLink } from '../cache/redis-link.ts';
import type { Clock } from '../clock.ts';

export type ReplicaCount = {
  /** Begins to sign; the first call alone has an effect. */
  start(): void;
  /** The replicas that were alive when Redis was last seen, this one included. */
  current(): number;
  /** Takes this replica off the list. */
  close(): Promise<void>;
};

const BEAT_MS = 2000;
/** How soon to sign again when Redis was away. */
const RETRY_MS = 500;
/** Who has not signed for so long is gone. */
const LIVE_MS = 10_000;
/** Whoever has a Redis is rarely alone: assumed until Redis has been seen for a while. */
const ASSUMED_REPLICAS = 4;

const SIGN = defineScript(
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${LIVE_MS})
redis.call('PEXPIRE', KEYS[1], ${LIVE_MS * 2})
return redis.call('ZCARD', KEYS[1])
`,
  'sign in',
);

/** Without a link there are as many as was said: the workers of one machine, or this process alone. */
export function createReplicaCount(link: RedisLink | null, key: string, clock: Clock, fellows = 1): ReplicaCount {
  if (link === null) return { start: () => {}, current: () => fellows, close: async () => {} };
  const id = randomUUID();
  const closed = new AbortController();
  let replicas = ASSUMED_REPLICAS;
  let fewerSince: number | undefined;

  let started = false;

  async function keepSigning(link: RedisLink): Promise<void> {
    while (!closed.signal.aborted) {
      const answer = await link.run(SIGN, [key], [id]);
      const known = typeof answer === 'number';
      if (known) learn(answer, clock.now());
      else fewerSince = undefined;
      await clock.sleep(known ? BEAT_MS : RETRY_MS, closed.signal).catch(() => {});
    }
  }

  // The list is short at first, and after Redis has lost it: fewer are believed only when it stays so.
  function learn(count: number, now: number): void {
    if (count < replicas) {
      fewerSince ??= now;
      if (now - fewerSince < LIVE_MS) return;
    }
    replicas = count;
    fewerSince = undefined;
  }

  return {
    start() {
      if (!started) void keepSigning(link);
      started = true;
    },
    current: () => replicas,
    async close() {
      closed.abort();
      if (started) await link.ask((redis) => redis.zrem(key, id), key);
    },
  };
}
