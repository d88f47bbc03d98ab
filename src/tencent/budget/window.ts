// The sliding window of one command: which of the waiting calls may go now, and when the next one may.
// The upstream counts arrivals in any second (CONTRACT 1.6); limiters that count in fixed windows let twice as many through.
import type { RedisLink } from '../../cache/redis-link.ts';

/** A second, and what the way to the upstream may add to one call and not to another. */
export const WINDOW_MS = 1040;
/** While more calls wait than can go, a tenth of the window takes at most this share of the limit. */
const EVEN = { windowMs: WINDOW_MS / 10, share: 0.12 };
/** By rank: the share of the limit that stays free for calls of better ranks. */
const KEPT_FREE = [0, 0.1, 0.2];
/** What "too often" does to the limit: once a second at most, then it recovers by so much a second. */
const DECREASE = { factor: 0.8, least: 0.1, everyMs: 1000, recoveryPerSecond: 0.02 };
/** A process that has a Redis is rarely alone: assumed until Redis has answered. */
const ASSUMED_REPLICAS = 4;
/** A replica that has not asked for this long does not count. */
const ALIVE_MS = 10_000;
/** Longer than the slowest recovery; what Redis keeps of a command that is not called any more. */
const KEPT_MS = 60_000;
/** A script that does not answer holds all calls of its command, and may have granted what is then granted again. */
const TIMEOUT_MS = 300;

export type WindowRequest = {
  /** The calls that wait, by rank, best first. */
  waiting: readonly number[];
  /** Spread calls over the window, since more of them wait than can go. */
  even: boolean;
  /** The upstream said "too often". */
  decrease: boolean;
};

// A list of the window's calls, newest first; what is left of the rate after it was decreased; and who has asked lately.
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full, even, decrease, replica = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1', ARGV[4]

redis.call('ZADD', KEYS[3], now, replica)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ${ALIVE_MS})
redis.call('PEXPIRE', KEYS[3], ${ALIVE_MS})

local share, since = 1, 0
local kept = redis.call('GET', KEYS[2])
if kept then
  share, since = kept:match('(%S+) (%S+)')
  share = math.min(1, share + math.max(0, now - since) / 1000 * ${DECREASE.recoveryPerSecond})
end
if decrease and math.abs(now - since) >= ${DECREASE.everyMs} then
  share = math.max(${DECREASE.least}, share * ${DECREASE.factor})
  redis.call('SET', KEYS[2], share .. ' ' .. now, 'PX', ${KEPT_MS})
end
local limit = math.max(1, math.floor(full * share))

local function at(index) return tonumber(redis.call('LINDEX', KEYS[1], index) or 0) end
while redis.call('LLEN', KEYS[1]) > 0 and at(-1) <= now - ${WINDOW_MS} do redis.call('RPOP', KEYS[1]) end
local step = math.ceil(limit * ${EVEN.share})
local granted, wait = 0, 0
for rank, free in ipairs({ ${KEPT_FREE.join(', ')} }) do
  local max = math.max(1, math.floor(limit * (1 - free)))
  for _ = 1, tonumber(ARGV[4 + rank]) do
    wait = at(max - 1) + ${WINDOW_MS} - now
    if even then wait = math.max(wait, at(step - 1) + ${EVEN.windowMs} - now) end
    if wait > 0 then break end
    redis.call('LPUSH', KEYS[1], now)
    granted = granted + 1
  end
  if wait > 0 then break end
end
if granted > 0 then redis.call('PEXPIRE', KEYS[1], ${2 * WINDOW_MS}) end
return { granted, math.ceil(math.max(0, wait)), redis.call('LLEN', KEYS[1]), limit, redis.call('ZCARD', KEYS[3]) }
`;

/** The window that all replicas share under `key`, and this replica's own part of it for when Redis does not answer. */
export function createWindow(link: RedisLink | null, key: string, limit: number, replica: string) {
  const keys = [`${key}:calls`, `${key}:rate`, `${key}:replicas`];
  let replicas = link ? ASSUMED_REPLICAS : 1;
  const local = createLocalWindow(() => limit / replicas);

  return {
    /** `now` is monotonic, in milliseconds. */
    async take(request: WindowRequest, now: number) {
      const { waiting, even, decrease } = request;
      const args = [limit, even ? 1 : 0, decrease ? 1 : 0, replica, ...waiting];
      const reply = await link?.run(TAKE, keys, args, TIMEOUT_MS);
      if (!Array.isArray(reply)) return { ...local.take(request, now), shared: false };
      const [granted = 0, nextInMs = 0, used = 0, limitNow = limit, seen = 1] = reply.map(Number);
      replicas = seen;
      local.note(granted, now);
      return { granted, nextInMs, used, limit: limitNow, shared: true };
    },
  };
}

/** The same rule for one replica on its own. */
function createLocalWindow(limit: () => number) {
  /** When the window's calls went, newest last. */
  let calls: number[] = [];
  let decreased = { share: 1, at: Number.NEGATIVE_INFINITY };
  const shareAt = (now: number) =>
    Math.min(1, decreased.share + ((now - decreased.at) / 1000) * DECREASE.recoveryPerSecond);

  return {
    /** Counts calls that went through the shared window. */
    note(count: number, now: number): void {
      for (let n = 0; n < count; n++) calls.push(now);
      calls = calls.filter((at) => at > now - WINDOW_MS);
    },

    /**
     * How many of the calls may go now, best ranks first; where that is not all of them, in how many milliseconds the next
     * one may; and how many are in the window, these included.
     */
    take({ waiting, even, decrease }: WindowRequest, now: number) {
      if (decrease && now - decreased.at >= DECREASE.everyMs)
        decreased = { share: Math.max(DECREASE.least, shareAt(now) * DECREASE.factor), at: now };
      const limitNow = Math.max(1, Math.floor(limit() * shareAt(now)));
      const step = Math.ceil(limitNow * EVEN.share);
      const since = (index: number) => calls.at(-index) ?? Number.NEGATIVE_INFINITY;
      calls = calls.filter((at) => at > now - WINDOW_MS);
      let granted = 0;
      for (const [rank, wanted] of waiting.entries()) {
        const max = Math.max(1, Math.floor(limitNow * (1 - (KEPT_FREE[rank] ?? 0))));
        for (let n = 0; n < wanted; n++) {
          const freeAt = Math.max(since(max) + WINDOW_MS, even ? since(step) + EVEN.windowMs : 0);
          if (freeAt > now) return { granted, nextInMs: freeAt - now, used: calls.length, limit: limitNow };
          calls.push(now);
          granted++;
        }
      }
      return { granted, nextInMs: 0, used: calls.length, limit: limitNow };
    },
  };
}
