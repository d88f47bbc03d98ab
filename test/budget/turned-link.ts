// A link to a real Redis whose scripts live by a test's clock, so that seconds of pacing pass at a test's pace.
import type { RedisLink } from '../../src/cache/redis-link.ts';
import type { TestClock } from '../support/clock.ts';
import { operatorOf } from '../support/redis.ts';

export type TurnedLink = RedisLink & {
  /** `away`: nothing is executed; `mute`: scripts are executed, and their answers are lost. */
  condition: 'up' | 'away' | 'mute';
};

const ASK_TIMEOUT_MS = 100;

/** Links replicas to the server at `url`; `pass` lets time go by for all of them. */
export function createTurnedLinks(url: string, clock: TestClock) {
  const redis = operatorOf(url);
  let underWay = 0;

  async function track<T>(work: () => Promise<T>): Promise<T> {
    underWay++;
    try {
      return await work();
    } finally {
      underWay--;
    }
  }

  function execute(lua: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const now = clock.now();
    const timed = lua.replace("redis.call('TIME')", `{ ${Math.floor(now / 1000)}, ${(now % 1000) * 1000} }`);
    return track(() => redis.eval(timed, keys.length, ...keys, ...args));
  }

  function open(): TurnedLink {
    const link: TurnedLink = {
      condition: 'up',
      async run(lua, keys, args, timeoutMs = ASK_TIMEOUT_MS) {
        if (link.condition === 'away') return undefined;
        const answer = await execute(lua, keys, args);
        if (link.condition === 'up') return answer;
        return clock.sleep(timeoutMs);
      },
      ask: (command) => (link.condition === 'up' ? track(() => command(redis)) : Promise.resolve(undefined)),
      isUp: () => link.condition === 'up',
      whenBack() {},
      async subscribe() {},
      async keepConnected() {},
      publish: async () => true,
      close() {},
    };
    return link;
  }

  /** Until everything that now follows by itself has happened. */
  async function settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (underWay > 0);
    await new Promise((resolve) => setImmediate(resolve));
    if (underWay > 0) await settle();
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1);
      await settle();
    }
  }

  return { open, pass, settle };
}
