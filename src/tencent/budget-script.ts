// The slots that all replicas share: one GCRA per command in Redis, by Redis' own clock.
// Our own, since limiters that count in fixed windows let up to twice the rate through around a window's edge.
import { defineScript, type RedisLink } from '../cache/redis-link.ts';
import { BACK_OFF, type Pace, SOONEST_INTERVALS } from './budget-pace.ts';

/** What Redis said; times are this process' epoch milliseconds. */
export type SharedAnswer = {
  granted: boolean;
  /** When the slot is due. When none was granted: before when none will be. */
  at: number;
  holdUntil: number;
  /** The share of the rate that is left after answers of "too often". */
  share: number;
};

export type SharedPace = {
  /**
   * Asks for a slot. One of rank 0 may lie up to `aheadMs` in the future; the others get one that nobody else has a use
   * for, now, or none. Undefined when Redis gave no answer: then a slot may have been taken all the same.
   */
  reserve(rank: number, aheadMs: number): Promise<SharedAnswer | undefined>;
  /** Looks without taking a slot. */
  look(): Promise<SharedAnswer | undefined>;
  /** Makes all replicas back off. */
  cut(): Promise<SharedAnswer | undefined>;
};

/** A slow answer is waited for longer than a cache would: who spends without it spends twice. */
const ASK_TIMEOUT_MS = 1000;
/** Longer than the slowest recovery. */
const FORGET_MS = 60_000;
/** No slot lies so far ahead: state that does was written by a clock that ran ahead of today's. */
const FAR_AHEAD_MS = 15_000;
const LOOK = -1;

// Microseconds throughout. `free` is when the slot after all given ones is due (GCRA's theoretical arrival time).
// Without state the bucket is empty, not full: the state may have been lost a moment ago.
const READ = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local kept = redis.call('HMGET', KEYS[1], 'free', 'hold', 'share')
local free, hold, share = tonumber(kept[1]), tonumber(kept[2]) or 0, tonumber(kept[3]) or 1
if not free or free > now + ${FAR_AHEAD_MS * 1000} then free = now + tolerance end
if hold > now + ${FAR_AHEAD_MS * 1000} then hold = 0 end
share = math.min(1, share + math.max(0, now - hold) * ${BACK_OFF.recoveryPerSecond} / 1000000)
local function keep(...)
  redis.call('HSET', KEYS[1], ...)
  redis.call('PEXPIRE', KEYS[1], ${FORGET_MS})
end
`;

const RESERVE = defineScript(
  `${READ}
local rank, ahead, soonest = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local interval = full / share
local slot = math.max(now, free - tolerance, hold)
local granted = rank == 0 and slot - now <= ahead
if rank > 0 then
  slot = math.max(slot, free + soonest * interval)
  granted = slot <= now
end
if granted then
  keep('free', string.format('%.0f', math.max(free, slot) + interval))
elseif rank > 0 then
  -- An empty bucket fills only from when it is known: else where nobody but lower priorities call, they never go.
  keep('free', string.format('%.0f', free))
end
return { granted and 1 or 0, now, slot, hold, share * 1000000 }
`,
  'reserve a slot',
);

// Many calls are answered "too often" at once; they are one reason to back off, not many.
const CUT = defineScript(
  `${READ}
if now >= hold then
  share = math.max(${BACK_OFF.leastShare}, share * ${BACK_OFF.cutTo})
  hold = now + ${BACK_OFF.holdMs * 1000}
  free = math.max(free, hold + tolerance)
  keep('free', string.format('%.0f', free), 'hold', string.format('%.0f', hold), 'share', string.format('%.6f', share))
end
return { 0, now, free, hold, share * 1000000 }
`,
  'back off',
);

/** Creates the shared slots of one command under `key`. */
export function createSharedPace(link: RedisLink, key: string, pace: Pace, clock: { now(): number }): SharedPace {
  const rate = [pace.intervalMs, pace.toleranceMs].map((ms) => Math.round(ms * 1000));
  const redisClock = createRemoteClock();

  async function run(script: typeof RESERVE, args: readonly number[]): Promise<SharedAnswer | undefined> {
    const askedAt = clock.now();
    const reply = await link.run(script, [key], [...rate, ...args], ASK_TIMEOUT_MS);
    if (!Array.isArray(reply)) return undefined;
    const [granted, now, slot, hold, share] = reply.map(Number) as [number, number, number, number, number];
    redisClock.learn(now / 1000, askedAt, clock.now());
    return {
      granted: granted === 1,
      at: redisClock.toLocal(slot / 1000),
      holdUntil: redisClock.toLocal(hold / 1000),
      share: share / 1_000_000,
    };
  }

  return {
    reserve: (rank, aheadMs) =>
      run(RESERVE, [rank, Math.max(0, Math.round(aheadMs * 1000)), rank > 0 ? (SOONEST_INTERVALS[rank] ?? 0) : 0]),
    look: () => run(RESERVE, [LOOK, 0, 0]),
    cut: () => run(CUT, []),
  };
}

/**
 * Redis' clock as seen from here. Every answer bounds the difference of the two clocks, and the quickest answers bound
 * it closely, so that a slot is due at the right time even when the answer that told of it was slow.
 */
function createRemoteClock() {
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  return {
    learn(remoteNow: number, askedAt: number, answeredAt: number): void {
      // Our clock has whole milliseconds.
      const from = remoteNow - answeredAt - 1;
      const to = remoteNow - askedAt;
      const drifted = from > most || to < least;
      least = drifted ? from : Math.max(least, from);
      most = drifted ? to : Math.min(most, to);
    },
    toLocal: (remote: number) => remote - (least + most) / 2,
  };
}
