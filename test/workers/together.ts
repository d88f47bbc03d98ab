// Workers and the process above them, in one process and on one clock that the test turns.
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { createFellows } from '../../src/workers/fellows.ts';
import { createHub } from '../../src/workers/hub.ts';
import { type Channel, createPeer } from '../../src/workers/peer.ts';

/** The two ends of a channel whose messages are copies, and take a turn of the event loop. `isStuck`: nothing arrives. */
export function createChannels() {
  const ends = [new Set<(message: unknown) => void>(), new Set<(message: unknown) => void>()] as const;
  const line = { isStuck: false };
  const end = (own: number): Channel => ({
    send(message) {
      const copy = structuredClone(message);
      setImmediate(() => {
        if (!line.isStuck) for (const heard of ends[1 - own] ?? []) heard(copy);
      });
    },
    listen: (heard) => void ends[own]?.add(heard),
  });
  return { above: end(0), below: end(1), line };
}

/** `count` workers of one hub; more can come later. */
export function startFellows(count: number, clock: Clock, { ratePerSecond = 160, most = 100 } = {}) {
  const hub = createHub({ ratePerSecond, most, clock });
  const open = () => {
    const { above, below, line } = createChannels();
    const [seen, seeing] = [createPeer(above), createPeer(below)];
    hub.admit(seen);
    onTestFinished(() => seeing.close());
    return {
      line,
      fellows: createFellows({ above: seeing, count, clock }),
      die() {
        line.isStuck = true;
        hub.dismiss(seen);
        seen.close();
      },
    };
  };
  return { open, workers: Array.from({ length: count }, open) };
}
