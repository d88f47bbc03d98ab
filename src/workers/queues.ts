// Who has the turn of a name, and who waits for it, over all workers.
import type { Clock } from '../clock.ts';

export type Queues<Member> = {
  /** Resolves when it is the turn of `member`, at the latest at `untilAt` (epoch milliseconds), whoever is still busy. */
  enter(name: string, member: Member, untilAt: number): Promise<void>;
  /** The turn of `member` is over, whether it has come or not. */
  leave(name: string, member: Member): void;
  /** Ends all turns of a member that is gone. */
  dismiss(member: Member): void;
};

type Place<Member> = { readonly member: Member; go(): void };

export function createQueues<Member>(clock: Clock): Queues<Member> {
  const queues = new Map<string, Place<Member>[]>();

  function leave(name: string, member: Member): void {
    const queue = queues.get(name) ?? [];
    const at = queue.findIndex((place) => place.member === member);
    if (at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) queues.delete(name);
    queue[0]?.go();
  }

  return {
    async enter(name, member, untilAt) {
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      const turn = Promise.withResolvers<void>();
      queue.push({ member, go: turn.resolve });
      queue[0]?.go();
      const patience = new AbortController();
      const tooLong = clock.sleep(Math.max(0, untilAt - clock.now()), patience.signal).catch(() => {});
      await Promise.race([turn.promise, tooLong]);
      patience.abort();
    },
    leave,
    dismiss(member) {
      for (const name of [...queues.keys()]) leave(name, member);
    },
  };
}
