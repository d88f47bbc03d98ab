// Counts that all replicas add to, one for each name and window of time.
import { createHash } from 'node:crypto';
import { defineScript, type RedisLink } from './redis-link.ts';

/** What all replicas have counted together: in a window, and in the one before it. */
export type SharedCount = { current: number; previous: number };

export type SharedCounts = {
  /** Adds to the count of a window; undefined when Redis did not take it. */
  add(name: string, window: number, count: number): Promise<SharedCount | undefined>;
};

const ADD = defineScript(
  `
local current = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {current, tonumber(redis.call('GET', KEYS[2]) or 0)}
`,
);

/** Counts under `prefix`, for windows of `windowMs`. Names can be personal data, such as addresses: Redis has hashes. */
export function createSharedCounts(link: RedisLink, prefix: string, windowMs: number): SharedCounts {
  return {
    async add(name, window, count) {
      const hash = createHash('sha256').update(`${prefix} ${name}`).digest('base64url').slice(0, 22);
      // The braces keep both windows of a name in one slot of a cluster.
      const keys = [window, window - 1].map((number) => `${prefix}:{${hash}}:${number}`);
      const answer = await link.run(ADD, keys, [count, 2 * windowMs]);
      if (!Array.isArray(answer)) return undefined;
      const [current, previous] = answer.map(Number) as [number, number];
      return { current, previous };
    },
  };
}
