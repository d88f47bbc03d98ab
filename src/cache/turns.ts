// One at a time, over all replicas: whoever comes waits until who came before is done.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { defineScript, type RedisLink } from './redis-link.ts';

export type Turns = {
  /** Does `work` when it is the turn of `name`; not later than `deadlineAt` (epoch milliseconds), whoever is still busy. */
  take<T>(name: string, deadlineAt: number, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way in this process. */
  settled(): Promise<void>;
};

export type TurnsOptions = {
  /** Null: this process is alone. Without Redis for a while, turns are kept in each process. */
  redis: { link: Pick<RedisLink, 'ask' | 'run'>; prefix: string } | null;
  clock: Clock;
};

/** How often a turn that another replica has is asked for again, in milliseconds. */
const PAUSE_MS = 20;
/** A turn ends by itself so long after its deadline: its holder may have died. */
const GRACE_MS = 1000;

const LEAVE = defineScript(
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0",
  'leave a turn',
);

export function createTurns({ redis, clock }: TurnsOptions): Turns {
  const last = new Map<string, Promise<void>>();

  /** Waits for the other replicas; answers the way to let them go on. */
  async function enter(name: string, deadlineAt: number): Promise<() => Promise<unknown>> {
    if (!redis) return async () => {};
    const { link, prefix } = redis;
    const key = `${prefix}:turn:${name}`;
    const token = randomUUID();
    for (;;) {
      const lifeMs = Math.max(1, Math.ceil(deadlineAt - clock.now()) + GRACE_MS);
      const answer = await link.ask((client) => client.set(key, token, 'PX', lifeMs, 'NX'), key);
      if (answer === 'OK') return () => link.run(LEAVE, [key], [token]);
      // Nobody can say, or nobody can wait any longer: then the work is as good as its own process can make it.
      if (answer === undefined || clock.now() + PAUSE_MS >= deadlineAt) return async () => {};
      await clock.sleep(PAUSE_MS);
    }
  }

  return {
    async take(name, deadlineAt, work) {
      const before = last.get(name) ?? Promise.resolve();
      const mine = before.then(async () => {
        const leave = await enter(name, deadlineAt);
        try {
          return await work();
        } finally {
          await leave();
        }
      });
      const over = mine.then(
        () => {},
        () => {},
      );
      last.set(name, over);
      try {
        return await mine;
      } finally {
        if (last.get(name) === over) last.delete(name);
      }
    },
    async settled() {
      while (last.size > 0) await Promise.all(last.values());
    },
  };
}
