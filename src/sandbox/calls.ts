// The log of the calls that reached a command, with their outcome; and how many a second each takes (CONTRACT 1.6).
import { COMMANDS, type Command } from '../tencent/wire.ts';

/** An ErrorCode, or what happened to the connection instead of an answer: `silence`, `reset`, `http502`, `lost`. */
export type Outcome = number | string;

export type LoggedCall = {
  command: Command;
  /** Milliseconds of the sandbox's clock. */
  at: number;
  identifier: string | null;
  /** The parsed body, or its text when it is not JSON. */
  body: unknown;
  outcome?: Outcome;
};

type CommandCount = { received: number; outcomes: Record<string, number> };

const MAX_TIMES = 100_000;
const MAX_RECENT = 200;

export type CallLog = ReturnType<typeof createCallLog>;

export function createCallLog({ now }: { now: () => number }) {
  const counts = new Map<Command, CommandCount & { times: number[] }>();
  const recent: LoggedCall[] = [];

  return {
    /** Notes an attempt, refused ones too; call the answer once its outcome is known. */
    arrived(call: Omit<LoggedCall, 'at' | 'outcome'>): (outcome: Outcome) => void {
      const count = counts.get(call.command) ?? { received: 0, outcomes: {}, times: [] };
      counts.set(call.command, count);
      const logged: LoggedCall = { ...call, at: now() };
      count.received += 1;
      count.times.push(logged.at);
      if (count.times.length > MAX_TIMES) count.times.splice(0, MAX_TIMES / 2);
      recent.push(logged);
      if (recent.length > MAX_RECENT) recent.shift();
      return (outcome) => {
        logged.outcome = outcome;
        count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + 1;
      };
    },

    /** How many calls a command received, or all commands together. */
    count(command?: Command): number {
      const counted = command ? [counts.get(command)] : [...counts.values()];
      return counted.reduce((total, count) => total + (count?.received ?? 0), 0);
    },

    /** Arrival times in milliseconds, oldest first, at most the last 100,000. */
    times: (command: Command): readonly number[] => counts.get(command)?.times ?? [],

    /** The last calls, oldest first. */
    recent: (): readonly LoggedCall[] => recent,

    summary: (): Partial<Record<Command, CommandCount>> =>
      Object.fromEntries(
        Array.from(counts, ([command, { received, outcomes }]) => [command, { received, outcomes: { ...outcomes } }]),
      ),

    reset(): void {
      counts.clear();
      recent.length = 0;
    },
  };
}

// The table has no other keys than commands.
export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

const RATE = 200;
const OTHER_RATES: { readonly [C in Command]?: number } = { search: 2, account_check: 100, multiaccount_import: 100 };
const WINDOW_MS = 1000;

/** Calls per second: one number for all commands, or some commands' own. Infinity switches a limit off. */
export type RateLimits = number | Partial<Record<Command, number>>;

/** Makes the judge of whether a call fits into the last second. A refused call is not counted. */
export function createRates(now: () => number, limits: RateLimits = {}) {
  const accepted = new Map<Command, number[]>();

  return (command: Command): boolean => {
    const limit = typeof limits === 'number' ? limits : (limits[command] ?? OTHER_RATES[command] ?? RATE);
    if (limit === Number.POSITIVE_INFINITY) return true;
    const at = now();
    const times = (accepted.get(command) ?? []).filter((time) => time > at - WINDOW_MS);
    accepted.set(command, times);
    if (times.length >= limit) return false;
    times.push(at);
    return true;
  };
}
