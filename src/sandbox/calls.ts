// The call log: every call that reached a command, and its outcome.
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
