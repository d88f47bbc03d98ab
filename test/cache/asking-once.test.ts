// However many ask for the same at once, the upstream is asked once.
import { describe, expect, test } from 'vitest';
import { createBatchLoader } from '../../src/cache/batch-loader.ts';
import { createClock } from '../../src/clock.ts';
import { callCounts, openGateway } from '../support/gateway.ts';
import { type StorageSettings, useStorage } from '../support/storage.ts';

const QUERIES = {
  follow_get: '{ user(id: "star") { fans(first: 20) { nodes { id nick } } } }',
  follow_get_info: '{ user(id: "star") { fansCount followsCount mutualsCount } }',
  portrait_get: '{ user(id: "star") { nick avatar } }',
} as const;
const QUERIES_BY_COMMAND = Object.entries(QUERIES) as [keyof typeof QUERIES, string][];

async function openStar({ sdkAppId, env }: StorageSettings) {
  const gateway = await openGateway({ env, sandbox: { sdkAppId } });
  gateway.sandbox.world.addFans('star', 120);
  gateway.sandbox.faults.set({ latency: { ms: 50 } });
  return gateway;
}

const many = <T>(count: number, ask: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n)));

describe.each(['memory alone', 'Redis'] as const)('on %s', (storage) => {
  const settings = useStorage(storage);

  test.each(QUERIES_BY_COMMAND)('200 equal cold queries at once cost one %s', async (command, query) => {
    const gateway = await openStar(settings());
    const answers = await many(200, () => gateway.data(query));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(callCounts(gateway)).toEqual({ [command]: 1 });
  });

  test('100 queries at once for 100 users’ profiles cost at most two portrait_get', async () => {
    const gateway = await openStar(settings());
    const ids = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
    const answers = await many(100, (n) =>
      gateway.data<{ user: { nick: string } }>(`{ user(id: "${ids[n]}") { nick } }`),
    );
    expect(new Set(answers.map(({ user }) => user.nick)).size).toBe(100);
    expect(gateway.sandbox.calls.count('portrait_get')).toBeLessThanOrEqual(2);
    expect(gateway.sandbox.calls.count()).toBe(gateway.sandbox.calls.count('portrait_get'));
  });
});

test.each([20, Number.POSITIVE_INFINITY])(
  'a batch of at most %d keys leaves although further keys never cease to come',
  async (maxBatchSize) => {
    let came = 0;
    const clock = createClock({
      now: Date.now,
      alarm(_ms, ring) {
        for (let n = 0; n < 5 && came < 5000; n++) void ask();
        queueMicrotask(ring);
        return () => {};
      },
    });
    const { load } = createBatchLoader<string>({
      ...{ kind: 'test', clock, maxBatchSize },
      cache: {
        looking: () => 0,
        isDue: () => false,
        asOf: () => ({ readAt: 0, sequence: 0, generation: null }),
        put: (_key, value) => value,
      },
      call: async (keys) => new Map(keys.map((key) => [key, key])),
    });
    const ask = () => load(`key ${came++}`, { signal: new AbortController().signal, deadlineAt: Number.MAX_VALUE });
    await ask();
    expect(came).toBeLessThan(5000);
  },
);
