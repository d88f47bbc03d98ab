// What Redis has not confirmed to have forgotten is not found here, whatever it confirms of earlier.
import { expect, onTestFinished, test } from 'vitest';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { FORGET } from '../../src/cache/redis-scripts.ts';
import { createRedisTier } from '../../src/cache/redis-tier.ts';
import { connectRedis, createRedisClient } from '../../src/redis.ts';
import { createRunningClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';

const HOUR_MS = 3_600_000;

test('a forget that is confirmed late does not stand for a later one that is not confirmed', async () => {
  const server = await startRedis();
  onTestFinished(() => server.close());
  const redis = createRedisClient([new URL(server.url)]);
  await connectRedis(redis);
  const clock = createRunningClock();
  const link = createRedisLink({ redis, clock, timeoutMs: 5000, onChange() {} });
  onTestFinished(() => link.close());
  const confirmed = Promise.withResolvers<void>();
  let forgets = 0;
  const tier = createRedisTier<string>({
    link: {
      ...link,
      async run(script, ...asked) {
        if (script !== FORGET) return link.run(script, ...asked);
        if (++forgets > 1) return undefined;
        const answer = await link.run(script, ...asked);
        await confirmed.promise;
        return answer;
      },
    },
    clock,
    prefix: 'owed-test',
    groupOf: (key) => key,
    usableMs: HOUR_MS,
    absentMs: HOUR_MS,
    encode: (value) => value,
    decode: (text) => text,
    replica: 'one',
  });
  const read = async (key: string) => (await tier.get(key))?.value;
  const write = async (key: string, value: string) => {
    const ticket = (await tier.turn(key, clock.now(), false))?.ticket ?? 0;
    await tier.set(key, { value, version: null, readAt: clock.now(), ticket });
  };

  await write('other', 'stays');
  await write('key', 'before the first change');
  const first = tier.forget('key');
  await link.ask((client) => client.get('nothing'));
  await write('key', 'between the changes');
  expect(await tier.forget('key')).toBe(false);
  expect(await read('key')).toBeUndefined();
  confirmed.resolve();
  expect(await first).toBe(true);
  expect(await read('key')).toBeUndefined();
  expect(await read('other')).toBe('stays');
});
