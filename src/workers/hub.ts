// What the workers of this machine share where they have no Redis: kept in the process above them, told to all in one order.
import { withinTime } from '../cache/within-time.ts';
import type { Clock } from '../clock.ts';
import { paceOf } from '../tencent/budget-pace.ts';
import { createSlots, type Slots } from '../tencent/budget-slots.ts';
import type { Command } from '../tencent/wire.ts';
import { createCounts } from './counts.ts';
import { createKeptLog } from './kept-log.ts';
import type { Peer } from './peer.ts';
import { createQueues } from './queues.ts';

export type Hub = {
  /** Serves a worker from now on; it is told of the others as soon as it asks to join. */
  admit(worker: Peer): void;
  /** A worker is gone: nobody waits for it any more. */
  dismiss(worker: Peer): void;
};

export type HubOptions = {
  /** Calls per second and command, of all workers together. */
  ratePerSecond: number;
  /** So many entries of the log are kept for workers that come later. */
  most: number;
  clock: Clock;
};

/** A budget's question: whether a slot is free, or how things stand, or that the upstream said "too often". */
export type BudgetQuestion = { command: Command } & (
  | { ask: 'reserve'; rank: number; aheadMs: number }
  | { ask: 'look' | 'cut' }
);

/** A worker that has not heard after so long is not waited for: it is busy, and reads what it was told before it goes on. */
const HEARD_MS = 500;

export function createHub({ ratePerSecond, most, clock }: HubOptions): Hub {
  /** Who hears everything, and whether they have heard what they were told last in time. */
  const joined = new Map<Peer, { isPrompt: boolean }>();
  const log = createKeptLog({ most, clock });
  const slots = new Map<Command, Slots>();
  const queues = createQueues<Peer>(clock);
  const counts = createCounts();

  /** Tells `worker`; resolves when it has heard, or is too slow to be waited for. */
  async function tell(worker: Peer, subject: string, body: unknown): Promise<void> {
    const member = joined.get(worker);
    const hearing = worker.ask(subject, body).then(
      () => {
        if (member) member.isPrompt = true;
      },
      () => {},
    );
    if (!member?.isPrompt) return;
    await withinTime(clock, HEARD_MS, hearing).catch(() => {
      member.isPrompt = false;
    });
  }

  /** Tells all that have joined but `teller`, in this turn of the event loop, so that all hear everything in one order. */
  const tellAll = (subject: string, body: unknown, teller?: Peer) =>
    Promise.all([...joined.keys()].filter((worker) => worker !== teller).map((worker) => tell(worker, subject, body)));

  function slotsOf(command: Command): Slots {
    const known = slots.get(command) ?? createSlots(paceOf(command, ratePerSecond), clock);
    slots.set(command, known);
    return known;
  }

  return {
    admit(worker) {
      worker.answer('join', () => {
        // What was kept comes first, whatever is told from now on.
        void worker.ask('log begins', log.kept()).catch(() => {});
        joined.set(worker, { isPrompt: true });
      });
      worker.answer('log append', async (value) => {
        const entry = log.add(value);
        await tellAll('log entry', entry);
        return entry.id;
      });
      // Channels keep the order: whoever has this answer has heard what was added before.
      worker.answer('log caught up', () => {});
      worker.answer('tell', async (told) => void (await tellAll('told', told, worker)));
      worker.answer('budget', (body) => {
        const question = body as BudgetQuestion;
        const lane = slotsOf(question.command);
        return question.ask === 'reserve' ? lane.reserve(question.rank, question.aheadMs) : lane[question.ask]();
      });
      worker.answer('count', (body) => {
        const { name, window, count } = body as { name: string; window: number; count: number };
        return counts.add(name, window, count);
      });
      worker.answer('turn', (body) => {
        const { name, untilAt } = body as { name: string; untilAt: number };
        return queues.enter(name, worker, untilAt);
      });
      worker.answer('turn over', (name) => queues.leave(name as string, worker));
    },
    dismiss(worker) {
      joined.delete(worker);
      queues.dismiss(worker);
    },
  };
}
