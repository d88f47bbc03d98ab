// How many replicas share the budget: each one signs a sorted set in Redis every two seconds.
import { randomUUID } from 'node:crypto';
import { defineScript, type RedisLink } from '../../cache/redis-link.ts';
import type { Clock } from '../../clock.ts';

const BEAT_MS = 2000;
/** A replica that has not signed for this long is gone. */
const ALIVE_MS = 10_000;
/** A process that has a Redis is rarely alone: assumed until Redis has been seen for a while. */
const ASSUMED_REPLICAS = 4;

const SIGN = defineScript(
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == 'leave' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${ALIVE_MS})
redis.call('PEXPIRE', KEYS[1], ${ALIVE_MS * 2})
return redis.call('ZCARD', KEYS[1])
`,
  'count the replicas',
);

/** `current` is the number of replicas that were alive when Redis was last seen, this one included; 1 without a link. */
export function createReplicaCount(link: RedisLink | null, key: string, clock: Clock) {
  const id = randomUUID();
  const closed = new AbortController();
  let replicas = link ? ASSUMED_REPLICAS : 1;
  let started = false;
  let fewerBeats = 0;

  // The set is short at first, and after Redis has lost it: a smaller number is believed only when it stays.
  function learn(count: number): void {
    fewerBeats = count < replicas ? fewerBeats + 1 : 0;
    if (fewerBeats > 0 && fewerBeats * BEAT_MS < ALIVE_MS) return;
    replicas = count;
    fewerBeats = 0;
  }

  async function keepSigning(to: RedisLink): Promise<void> {
    while (!closed.signal.aborted) {
      const count = await to.run(SIGN, [key], [id, 'stay']);
      if (typeof count === 'number') learn(count);
      await clock.sleep(BEAT_MS, closed.signal).catch(() => {});
    }
  }

  return {
    start(): void {
      if (link && !started) void keepSigning(link);
      started = true;
    },
    current: () => replicas,
    async close(): Promise<void> {
      closed.abort();
      if (link && started) await link.run(SIGN, [key], [id, 'leave']);
    },
  };
}
