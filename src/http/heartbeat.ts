// One timer for all connections that stay open.
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Shorter than the idle time after which common proxies and load balancers close a connection (30 s and more). */
const HEARTBEAT_MS = 12_000;
/** So many are served before others get their turn. */
const AT_ONCE = 250;

/** Calls `beat` for every member, again and again while there are any. A member is served its first beat in a while. */
export function createHeartbeat<M>(clock: Clock, beat: (member: M) => void) {
  const members = new Set<M>();
  let stopping: AbortController | null = null;

  async function run({ signal }: AbortController) {
    let served = 0;
    for (;;) {
      if (!(await slept(clock, signal))) return;
      for (const member of members) {
        beat(member);
        if (++served % AT_ONCE === 0) await loopTurn();
      }
    }
  }

  return {
    members: members as ReadonlySet<M>,
    add(member: M): void {
      members.add(member);
      if (stopping) return;
      stopping = new AbortController();
      void run(stopping);
    },
    delete(member: M): void {
      members.delete(member);
      if (members.size > 0) return;
      stopping?.abort();
      stopping = null;
    },
  };
}

function slept(clock: Clock, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(HEARTBEAT_MS, signal).then(
    () => !signal.aborted,
    () => false,
  );
}
