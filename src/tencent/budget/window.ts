// The sliding window of one command: which of the waiting calls may go now, and when the next one may.
// The upstream counts arrivals in any second (CONTRACT 1.6); limiters that count in fixed windows let twice as many through.
import { defineScript, type RedisLink } from '../../cache/redis-link.ts';

/** A second, and what the way to the upstream may add to one call and not to another. */
export const WINDOW_MS = 1050;
/** A tenth of the window takes at most this share of the limit when calls go evenly: a little more than a tenth. */
const EVEN = { windowMs: WINDOW_MS / 10, share: 0.12 };
/** By rank: the share of the limit that stays free for calls of better ranks. */
const KEPT_FREE = [0, 0.1, 0.2];
/** What "too often" does to the limit: once a second at most, then it recovers by so much a second. */
const DECREASE = { factor: 0.8, least: 0.1, everyMs: 1000, recoveryPerSecond: 0.02 };
/** Longer than the slowest recovery; what Redis keeps of a command that nobody calls any more. */
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

export type WindowAnswer = {
  /** The calls that may go now, best ranks first. */
  granted: number;
  /** When fewer than asked: in how many milliseconds the next one may; else 0. */
  nextInMs: number;
  /** Calls in the window, those granted included. */
  used: number;
  limit: number;
};

// A list of the window's calls, newest first, and beside it what is left of the rate after it was decreased.
// Entries from the future are those of a server whose clock was ahead of this one's.
const TAKE = defineScript(
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full, even, decrease = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1'
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

local function at(place) return tonumber(redis.call('LINDEX', KEYS[1], place)) end
local oldest = at(-1)
while oldest and (oldest <= now - ${WINDOW_MS} or oldest > now) do
  redis.call('RPOP', KEYS[1])
  oldest = at(-1)
end
local used = redis.call('LLEN', KEYS[1])
local step, recent = math.ceil(limit * ${EVEN.share}), 0
if even then
  for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, step - 1)) do
    if tonumber(entry) > now - ${EVEN.windowMs} then recent = recent + 1 end
  end
end

local granted, wait = 0, 0
for rank, free in ipairs({ ${KEPT_FREE.join(', ')} }) do
  local wanted = tonumber(ARGV[3 + rank])
  local most = math.max(1, math.floor(limit * (1 - free)))
  local room = most - used
  if even then room = math.min(room, step - recent) end
  local n = math.max(0, math.min(wanted, room))
  for _ = 1, n do redis.call('LPUSH', KEYS[1], now) end
  granted, used, recent = granted + n, used + n, recent + n
  if n < wanted then
    wait = 1
    if used >= most then wait = math.max(wait, at(most - 1) + ${WINDOW_MS} - now) end
    if even and recent >= step then wait = math.max(wait, at(step - 1) + ${EVEN.windowMs} - now) end
    break
  end
end
if granted > 0 then redis.call('PEXPIRE', KEYS[1], ${KEPT_MS}) end
return { granted, math.ceil(wait), used, limit }
`,
  'take calls from the budget',
);

/** The window that all replicas share under `key`; `take` answers undefined when Redis does not. */
export function createSharedWindow(link: RedisLink, key: string, limit: number) {
  const keys = [`${key}:calls`, `${key}:rate`];
  return {
    async take({ waiting, even, decrease }: WindowRequest): Promise<WindowAnswer | undefined> {
      const reply = await link.run(TAKE, keys, [limit, even ? 1 : 0, decrease ? 1 : 0, ...waiting], TIMEOUT_MS);
      if (!Array.isArray(reply)) return undefined;
      const [granted = 0, nextInMs = 0, used = 0, limitNow = limit] = reply.map(Number);
      return { granted, nextInMs, used, limit: limitNow };
    },
  };
}

/** The same rule for one replica on its own, with its part of `limit`. Times are monotonic milliseconds. */
export function createLocalWindow(limit: number, replicas: () => number) {
  /** When the window's calls went, newest last. */
  let calls: number[] = [];
  let decreased = { share: 1, at: Number.NEGATIVE_INFINITY };

  function limitAt(now: number): number {
    return Math.max(1, Math.floor((limit * shareAt(now)) / replicas()));
  }

  function shareAt(now: number): number {
    return Math.min(1, decreased.share + ((now - decreased.at) / 1000) * DECREASE.recoveryPerSecond);
  }

  return {
    take({ waiting, even, decrease }: WindowRequest, now: number): WindowAnswer {
      if (decrease && now - decreased.at >= DECREASE.everyMs) {
        decreased = { share: Math.max(DECREASE.least, shareAt(now) * DECREASE.factor), at: now };
      }
      calls = calls.filter((at) => at > now - WINDOW_MS);
      const limitNow = limitAt(now);
      const step = Math.ceil(limitNow * EVEN.share);
      let granted = 0;
      for (const [rank, wanted] of waiting.entries()) {
        const most = Math.max(1, Math.floor(limitNow * (1 - (KEPT_FREE[rank] ?? 0))));
        /** Each is the call that must leave its span before another may go. */
        const blockedUntil = () =>
          Math.max(
            (calls.at(-most) ?? -Infinity) + WINDOW_MS,
            even ? (calls.at(-step) ?? -Infinity) + EVEN.windowMs : 0,
          );
        for (let n = 0; n < wanted; n++) {
          const nextInMs = blockedUntil() - now;
          if (nextInMs > 0) return { granted, nextInMs, used: calls.length, limit: limitNow };
          calls.push(now);
          granted++;
        }
      }
      return { granted, nextInMs: 0, used: calls.length, limit: limitNow };
    },

    /** Forgets what went and fills the window evenly: others spent calls that this replica does not know of. */
    fill(now: number): void {
      const count = limitAt(now);
      calls = Array.from({ length: count }, (_, n) => now - WINDOW_MS + ((n + 1) * WINDOW_MS) / count);
    },
  };
}
