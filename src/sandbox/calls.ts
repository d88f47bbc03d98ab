// The bill: every call that reached a command, what became of it, and how dense the calls were.
import type { Command } from '../tencent/wire.ts';

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

export type CommandCount = { received: number; outcomes: Record<string, number>; busiestSecond: number };

const MOST_TIMES = 100_000;
const WINDOW_MS = 1000;

export type CallLog = ReturnType<typeof createCallLog>;

export function createCallLog({ now }: { now: () => number }, { remembered = 200 } = {}) {
  const counts = new Map<Command, { received: number; outcomes: Map<string, number>; times: number[] }>();
  let recent: LoggedCall[] = [];

  function countOf(command: Command) {
    const count = counts.get(command) ?? { received: 0, outcomes: new Map<string, number>(), times: [] };
    counts.set(command, count);
    return count;
  }

  function busiestSecond(command: Command): number {
    const times = counts.get(command)?.times ?? [];
    let most = 0;
    let first = 0;
    for (let last = 0; last < times.length; last += 1) {
      while ((times[first] as number) <= (times[last] as number) - WINDOW_MS) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  return {
    /** Notes an attempt, refused ones too; call the answer once its outcome is known. */
    arrived(call: Omit<LoggedCall, 'at' | 'outcome'>): (outcome: Outcome) => void {
      const count = countOf(call.command);
      const logged: LoggedCall = { ...call, at: now() };
      count.received += 1;
      count.times.push(logged.at);
      if (count.times.length > MOST_TIMES) count.times.splice(0, MOST_TIMES / 2);
      recent.push(logged);
      if (recent.length > remembered) recent.shift();
      return (outcome) => {
        logged.outcome = outcome;
        count.outcomes.set(String(outcome), (count.outcomes.get(String(outcome)) ?? 0) + 1);
      };
    },

    /** How many calls a command received, or all commands together. */
    count(command?: Command): number {
      if (command) return counts.get(command)?.received ?? 0;
      return [...counts.values()].reduce((total, { received }) => total + received, 0);
    },

    /** How many calls of a command ended this way, for example `outcome('follow_get', 60007)`. */
    outcome: (command: Command, outcome: Outcome): number => counts.get(command)?.outcomes.get(String(outcome)) ?? 0,

    /** Arrival times in milliseconds, oldest first, at most the last 100,000. */
    times: (command: Command): readonly number[] => counts.get(command)?.times ?? [],

    /** The most calls of a command that arrived within any one second. */
    busiestSecond,

    /** The last calls, oldest first; of one command when named. */
    recent: (command?: Command): LoggedCall[] => recent.filter((call) => !command || call.command === command),

    summary: (): Partial<Record<Command, CommandCount>> =>
      Object.fromEntries(
        [...counts].map(([command, { received, outcomes }]) => [
          command,
          { received, outcomes: Object.fromEntries(outcomes), busiestSecond: busiestSecond(command) },
        ]),
      ),

    reset(): void {
      counts.clear();
      recent = [];
    },
  };
}
