// The APIs of the wire, `POST /v4/{service}/{command}`, and how many calls a second each takes (CONTRACT 1.1, 1.6).
import type { Command } from '../tencent/wire.ts';

export const APIS: { readonly [C in Command]: { service: string; maxPerSecond: number } } = {
  follow_get: { service: 'follow', maxPerSecond: 200 },
  follow_get_info: { service: 'follow', maxPerSecond: 200 },
  follow_check: { service: 'follow', maxPerSecond: 200 },
  follow_add: { service: 'follow', maxPerSecond: 200 },
  follow_delete: { service: 'follow', maxPerSecond: 200 },
  portrait_get: { service: 'profile', maxPerSecond: 200 },
  portrait_set: { service: 'profile', maxPerSecond: 200 },
  black_list_add: { service: 'sns', maxPerSecond: 200 },
  black_list_delete: { service: 'sns', maxPerSecond: 200 },
  black_list_check: { service: 'sns', maxPerSecond: 200 },
  black_list_get: { service: 'sns', maxPerSecond: 200 },
  query_online_status: { service: 'openim', maxPerSecond: 200 },
  search: { service: 'user_search', maxPerSecond: 2 },
  account_check: { service: 'im_open_login_svc', maxPerSecond: 100 },
  multiaccount_import: { service: 'im_open_login_svc', maxPerSecond: 100 },
};

// The table has no other keys than commands.
export const COMMANDS = Object.keys(APIS) as Command[];

/** Where the upstream's early warning begins. */
const ALARM_SHARE = 0.8;
const WINDOW_MS = 1000;

export type RateAlarm = { command: Command; request: number; limit: number };

/** Calls per second: one number for all commands, or some commands' own. Infinity switches a limit off. */
export type RateLimits = number | Partial<Record<Command, number>>;

type Dependencies = { now: () => number; onAlarm: (alarm: RateAlarm) => void };

/** Makes the judge of whether a call fits into the last second. A refused call is not counted. */
export function createRates({ now, onAlarm }: Dependencies, limits: RateLimits = {}) {
  const accepted = new Map<Command, number[]>();
  const alarmedAt = new Map<Command, number>();

  return (command: Command): boolean => {
    const limit = typeof limits === 'number' ? limits : (limits[command] ?? APIS[command].maxPerSecond);
    if (limit === Number.POSITIVE_INFINITY) return true;
    const at = now();
    const times = (accepted.get(command) ?? []).filter((time) => time > at - WINDOW_MS);
    accepted.set(command, times);
    if (times.length >= limit) return false;
    times.push(at);
    // One alarm a second is enough: each call above the threshold would be a storm of its own.
    if (times.length > limit * ALARM_SHARE && at - (alarmedAt.get(command) ?? -WINDOW_MS) >= WINDOW_MS) {
      alarmedAt.set(command, at);
      onAlarm({ command, request: times.length, limit });
    }
    return true;
  };
}
