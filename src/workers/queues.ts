// Who has the turn of a name, and who waits for it, over all workers.
import { type Clock, NOT_NEEDED } from '../clock.ts';

export type Queues<Member> = {
  /** Resolves when it is the turn of `member`, at the latest at `untilAt` (epoch milliseconds), whoever is still busy. */
  enter(name: string, member: Member, untilAt: number): Promise<void>;
  /** The turn of `member` is over, whether it has come or not. */
  leave(name: string, member: Member): void;
  /** Ends all turns of a member that is gone. */
  dismiss(member: Member): void;
};

type Place<Member> = { readonly member: Member; readonly over: AbortController; go(): void };

/** A turn ends by itself so long after its time: its holder may stand still. */
const GRACE_MS = 1000;

export function createQueues<Member>(clock: Clock): Queues<Member> {
  const queues = new Map<string, Place<Member>[]>();

  function end(name: string, isMeant: (place: Place<Member>) => boolean): void {
    const queue = queues.get(name) ?? [];
    const at = queue.findIndex(isMeant);
    if (at < 0) return;
    for (const { over } of queue.splice(at, 1)) over.abort(NOT_NEEDED);
    if (queue.length === 0) queues.delete(name);
    queue[0]?.go();
  }

  const leave = (name: string, member: Member) => end(name, (place) => place.member === member);

  return {
    async enter(name, member, untilAt) {
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      const turn = Promise.withResolvers<void>();
      const place = { member, over: new AbortController(), go: turn.resolve };
      queue.push(place);
      queue[0]?.go();
      const leftMs = Math.max(0, untilAt - clock.now());
      void clock.sleep(leftMs + GRACE_MS, place.over.signal).then(
        () => end(name, (other) => other === place),
        () => {},
      );
      const patience = new AbortController();
      await Promise.race([turn.promise, clock.sleep(leftMs, patience.signal).catch(() => {})]);
      patience.abort(NOT_NEEDED);
    },
    leave,
    dismiss(member) {
      for (const name of [...queues.keys()]) leave(name, member);
    },
  };
}
