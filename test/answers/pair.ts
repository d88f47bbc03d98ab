// Two houses that are alike in everything but whether answers are kept, each with a sandbox of its own, on one clock.
import { onTestFinished, vi } from 'vitest';
import { createPatientClock, type TestClock } from '../support/clock.ts';
import { PATH, TOKEN } from '../webhook/told-house.ts';
import { type Asked, ask, type Keeping, openKeeping } from './keeping.ts';

/** More turns of the event loop than anything takes between two steps of it. */
const QUIET_TURNS = 25;

export type Pair = {
  clock: TestClock;
  keeping: Keeping;
  plain: Keeping;
  /** Does the same in both, one after the other. */
  both<R>(act: (house: Keeping) => R | Promise<R>): Promise<[R, R]>;
  /** Asks both the same; their answers, when nothing goes on behind them any more. */
  ask(body: object, headers?: Record<string, string>): Promise<[Asked, Asked]>;
};

/** Opens them for the running test. */
export async function openPair(env: Record<string, string> = {}): Promise<Pair> {
  // Jitter would let them drift apart.
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  onTestFinished(() => random.mockRestore());
  const clock = createPatientClock();
  const open = async (own: Record<string, string>) => {
    const house = await openKeeping({ clock, env: { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH, ...env, ...own } });
    house.sandbox.webhooks.connect({ url: `${house.url}${PATH}`, token: TOKEN });
    return house;
  };
  const keeping = await open({});
  const plain = await open({ ANSWER_CACHE_MB: '0' });

  const both = async <R>(act: (house: Keeping) => R | Promise<R>): Promise<[R, R]> => {
    const results: [R, R] = [await act(keeping), await act(plain)];
    await quiet();
    return results;
  };

  async function quiet(): Promise<void> {
    let calls = -1;
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = keeping.sandbox.calls.count() + plain.sandbox.calls.count();
      const isLast = turns === QUIET_TURNS - 1;
      if (now !== calls || (isLast && [keeping, plain].some(isAnswering))) turns = 0;
      calls = now;
    }
  }

  return { clock, keeping, plain, both, ask: (body, headers) => both((house) => ask(house, body, headers)) };
}

const isAnswering = ({ sandbox }: Keeping): boolean =>
  sandbox.calls.recent().some(({ outcome }) => outcome === undefined);
