// Gateways that are alike in everything but HOT_PATH, each with a sandbox of its own, all on one clock.
import { onTestFinished, vi } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { createPatientClock, type TestClock } from '../support/clock.ts';
import { type House, openHouse } from '../support/house.ts';
import { openWire, type Wire } from './wire.ts';

export type Sibling = { name: string; house: House; wire: Wire };

export type Siblings = {
  /** The one that never goes the short way comes first. */
  all: readonly [Sibling, ...Sibling[]];
  clock: TestClock;
  /** Resolves when nothing goes on behind the answers any more, or when it is enough. */
  quiet(isEnough?: () => boolean): Promise<void>;
};

export type SiblingsOptions = { env?: Record<string, string>; sandbox?: SandboxOptions };

/** What HOT_PATH is set to; null leaves it out. */
const HOT_PATHS = ['off', '0', null] as const;
/** More turns of the event loop than anything takes between two steps of it. */
const QUIET_TURNS = 25;
const PEOPLE = 300;

/** Opens them for the running test. */
export async function openSiblings({ env = {}, sandbox = {} }: SiblingsOptions = {}): Promise<Siblings> {
  // Jitter and back-off would let siblings drift apart.
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  onTestFinished(() => random.mockRestore());
  const clock = createPatientClock();
  const all = await Promise.all(
    HOT_PATHS.map(async (hotPath): Promise<Sibling> => {
      const house = await openHouse({
        clock,
        env: {
          AUTH: 'development',
          METRICS_PORT: '0',
          GRAPHIQL: 'off',
          ...env,
          ...(hotPath !== null && { HOT_PATH: hotPath }),
        },
        sandbox: { clock, people: PEOPLE, rateLimits: Number.POSITIVE_INFINITY, ...sandbox },
      });
      return { name: `HOT_PATH ${hotPath ?? 'by default'}`, house, wire: openWire(house.url) };
    }),
  );

  return {
    // There are as many as settings.
    all: all as [Sibling, ...Sibling[]],
    clock,
    async quiet(isEnough = () => false) {
      let calls = -1;
      for (let turns = 0; turns < QUIET_TURNS && !isEnough(); turns++) {
        await new Promise((resolve) => setImmediate(resolve));
        const now = all.reduce((sum, { house }) => sum + house.sandbox.calls.count(), 0);
        const isLast = turns === QUIET_TURNS - 1;
        if (now !== calls || (isLast && all.some(({ house }) => isAnswering(house)))) turns = 0;
        calls = now;
      }
    },
  };
}

/** A call that was answered by silence has its outcome at once. */
const isAnswering = ({ sandbox }: House): boolean =>
  sandbox.calls.recent().some(({ outcome }) => outcome === undefined);
