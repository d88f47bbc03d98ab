// What a worker shares with its fellows on this machine, as it sees it: through the process above them all.
import type { LogEntry } from '../cache/log.ts';
import type { LogBus } from '../cache/log-bus.ts';
import type { SharedCount, SharedCounts } from '../cache/shared-counts.ts';
import type { Turns } from '../cache/turns.ts';
import { withinTime } from '../cache/within-time.ts';
import type { Clock } from '../clock.ts';
import type { FollowMemory } from '../follow/memory.ts';
import type { BudgetFellows } from '../tencent/budget.ts';
import type { SharedAnswer } from '../tencent/budget-script.ts';
import type { BudgetQuestion } from './hub.ts';
import type { Peer } from './peer.ts';

export type Fellows = {
  log: LogBus;
  budget: BudgetFellows;
  counts: SharedCounts;
  /** The memory, such that what is forgotten here is forgotten by all, and what the upstream tells is known to all. */
  remember(memory: FollowMemory): FollowMemory;
  /** The turns, such that they are kept over all workers. */
  inTurn(turns: Turns): Turns;
};

export type FellowsOptions = {
  /** The process above them all. */
  above: Peer;
  /** How many workers there are. */
  count: number;
  clock: Clock;
};

type Told = { forget: Parameters<FollowMemory['forget']>[0] } | { forget: null };

/** A process above that does not answer for so long is no help: who spends without it spends twice. */
const BUDGET_MS = 1000;
/** Longer than the process above waits for the slowest worker. */
const ABOVE_MS = 2000;
/** The others are told no more often that the upstream tells of changes. */
const TOLD_EVERY_MS = 30_000;

export function createFellows({ above, count, clock }: FellowsOptions): Fellows {
  /** The answer, or undefined when there is none in time. */
  const ask = <T>(subject: string, body?: unknown, ms = ABOVE_MS): Promise<T | undefined> =>
    // The process above runs the same code.
    withinTime(clock, ms, above.ask(subject, body) as Promise<T>).catch(() => undefined);

  const askForBudget = (question: BudgetQuestion) => ask<SharedAnswer>('budget', question, BUDGET_MS);

  return {
    log: {
      async join({ begin, heard }) {
        above.answer('log begins', (body) => {
          const { place, entries } = body as { place: string; entries: readonly LogEntry[] };
          begin(place, entries);
        });
        above.answer('log entry', (entry) => heard(entry as LogEntry));
        return withinTime(clock, ABOVE_MS, above.ask('join')).then(
          () => true,
          () => false,
        );
      },
      append: (value) => ask<string>('log append', value),
      catchUp: () => ask<void>('log caught up'),
    },

    budget: {
      count,
      paceOf: (command) => ({
        reserve: (rank, aheadMs) => askForBudget({ command, ask: 'reserve', rank, aheadMs }),
        look: () => askForBudget({ command, ask: 'look' }),
        cut: () => askForBudget({ command, ask: 'cut' }),
      }),
    },

    counts: {
      add: (name, window, count) => ask<SharedCount>('count', { name, window, count }),
    },

    remember(memory) {
      let toldAt = Number.NEGATIVE_INFINITY;
      above.answer('told', (body) => {
        const { forget } = body as Told;
        // Without Redis it is forgotten in this turn of the event loop, before the answer.
        if (forget) void memory.forget(forget);
        else memory.noteTold();
      });
      return {
        ...memory,
        async forget(event) {
          const here = memory.forget(event);
          await Promise.all([here, ask('tell', { forget: event } satisfies Told)]);
        },
        noteTold() {
          memory.noteTold();
          if (clock.now() - toldAt < TOLD_EVERY_MS) return;
          toldAt = clock.now();
          void ask('tell', { forget: null } satisfies Told);
        },
      };
    },

    inTurn: (turns) => ({
      ...turns,
      take: (name, deadlineAt, work) =>
        turns.take(name, deadlineAt, async () => {
          await withinTime(
            clock,
            Math.max(0, deadlineAt - clock.now()),
            above.ask('turn', { name, untilAt: deadlineAt }),
          ).catch(() => {});
          try {
            return await work();
          } finally {
            void ask('turn over', name);
          }
        }),
    }),
  };
}
