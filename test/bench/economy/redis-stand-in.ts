// Redis on simulated time. A real server would expire leases, and stamp reads, by its own clock, which neither stands
// still while the simulation thinks nor hurries when it jumps; and millions of commands over a socket take minutes and
// come back in another order each time. So this answers what `src/cache/redis-tier.ts` sends, with the meaning of
// `src/cache/redis-scripts.ts`, after the time that a packet takes. Nothing is forgotten in the reference mix, so marks
// of forgets are left out: a script that would make one fails loudly.
import type { RedisClient, RedisLink } from '../../../src/cache/redis-link.ts';
import { KEEP, NOTHING, RELEASE, TURN } from '../../../src/cache/redis-scripts.ts';
import type { Clock } from '../../../src/clock.ts';

/** There and back within one data centre, and the server's own time. */
const ROUND_TRIP_MS = 0.4;

type Script = (keys: readonly string[], args: readonly (string | number)[]) => unknown;

type RedisStandIn = {
  /** The link of one replica. */
  connect(): RedisLink;
};

export function createRedisStandIn(clock: Clock): RedisStandIn {
  const values = new Map<string, { text: string; until: number }>();

  function get(key: string): string | null {
    const value = values.get(key);
    if (!value) return null;
    if (value.until > clock.now()) return value.text;
    values.delete(key);
    return null;
  }
  const set = (key: string, text: string, lifeMs: number) => values.set(key, { text, until: clock.now() + lifeMs });

  const scripts: Record<string, Script> = {
    [TURN.name]([entryKey = '', , leaseKey = ''], [knownAt, replica, lifeMs]) {
      const micros = String(Math.floor(clock.now() * 1000));
      const entry = get(entryKey);
      if (entry !== null && Number(entry.slice(0, entry.indexOf('|'))) > Number(knownAt)) return [micros, 0, entry];
      if (Number(lifeMs) > 0) {
        if (get(leaseKey) !== null) return [micros, 0];
        set(leaseKey, `${micros} ${replica}`, Number(lifeMs));
      }
      return [micros, 1];
    },
    [RELEASE.name]([leaseKey = ''], [ticket, replica]) {
      if (get(leaseKey) === `${ticket} ${replica}`) values.delete(leaseKey);
    },
    [KEEP.name]([entryKey = '', , leaseKey = ''], [readAt, ticket, version, body, lifeMs, replica]) {
      if (get(leaseKey) === `${ticket} ${replica}`) values.delete(leaseKey);
      let newVersion = String(version);
      const known = get(entryKey);
      if (known !== null) {
        const [knownReadAt, , knownVersion = ''] = known.split('|', 3);
        const differs = newVersion !== '' && knownVersion !== '' && newVersion !== knownVersion;
        if (differs ? Number(newVersion) < Number(knownVersion) : Number(readAt) < Number(knownReadAt)) return 0;
        if (newVersion === '' && body !== NOTHING) newVersion = knownVersion;
      }
      set(entryKey, `${readAt}|${ticket}|${newVersion}|${body}`, Number(lifeMs));
      return 1;
    },
  };

  // The only command outside scripts; whatever else is called fails as "not a function".
  const client = { mget: async (...keys: string[]) => keys.map(get) } as unknown as RedisClient;

  async function answer<T>(work: () => T | Promise<T>): Promise<T> {
    await clock.sleep(ROUND_TRIP_MS / 2);
    const result = await work();
    await clock.sleep(ROUND_TRIP_MS / 2);
    return result;
  }

  return {
    connect: () => ({
      ask: (command) => answer(() => command(client)),
      run({ name }, keys, args) {
        const script = scripts[name];
        if (!script) throw new Error(`The reference mix needs no script "${name}", so the stand-in has none.`);
        return answer(() => script(keys, args));
      },
      isUp: () => true,
      whenBack() {},
      subscribe() {},
      publish: async () => true,
      close() {},
    }),
  };
}
