// The budget's rules, over real Redis and a clock that the tests turn.
import { describe, expect, it } from 'vitest';
import { between, busiest, type Priority, type Replica, rush, startBudgets, timesOf } from './start-budgets.ts';

/** The upstream counts calls in any second (CONTRACT 1.6). */
const SECOND_MS = 1000;
const RATE = 180;
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

describe('the rate', () => {
  it.each([['alone'], [1]] as const)('goes at once while there is room, and never above it (%s)', async (count) => {
    const { first, pass } = await startBudgets(count);
    for (let n = 0; n < 300; n++) void first.ask();
    await pass(1);
    expect(first.admitted).toHaveLength(RATE);
    await pass(500);
    expect(first.refused).toHaveLength(120);
    for (let n = 0; n < 300; n++) void first.ask();
    await pass(1100);
    expect(busiest(timesOf([first]), SECOND_MS)).toBeLessThanOrEqual(RATE);
  });

  it('is one for all replicas, used to the full, and each gets a fair part of it', async () => {
    const { replicas, pass } = await startBudgets(4);
    await rush(replicas, pass, 5000, 1);
    const times = timesOf(replicas);
    expect(busiest(times, SECOND_MS)).toBeLessThanOrEqual(RATE);
    expect(times.length).toBeGreaterThanOrEqual(5 * 170);
    for (const { admitted } of replicas) expect(admitted.length).toBeGreaterThan(0.7 * (times.length / 4));
  });

  it('leaves what one replica does not want to the others', async () => {
    const { replicas, pass, first } = await startBudgets(3);
    for (let passed = 0; passed < 3000; passed += 100) {
      void first.ask();
      await rush(replicas.slice(1), pass, 100, 1);
    }
    expect(first.admitted.length).toBeGreaterThanOrEqual(20);
    expect(timesOf(replicas).length).toBeGreaterThan(3 * 170);
  });

  it.each(['account_check', 'multiaccount_import'] as const)(
    'is half as high for %s, of which the upstream allows half as many',
    async (command) => {
      const { first, pass } = await startBudgets('alone');
      for (let n = 0; n < 150; n++) void first.ask({ command });
      await pass(1);
      expect(first.admitted).toHaveLength(RATE / 2);
    },
  );
});

describe('the rate of user search', () => {
  it('is two a second for four replicas together, used to the full and never exceeded', async () => {
    const { replicas, pass } = await startBudgets(4);
    for (let passed = 0; passed < 20_000; passed += 50) {
      for (const replica of replicas) void replica.ask({ command: 'search' });
      await pass(50);
    }
    const times = timesOf(replicas);
    expect(busiest(times, SECOND_MS)).toBe(2);
    expect(times.length).toBeGreaterThanOrEqual(2 * 18);
  });
});

describe('the queue', () => {
  it.each([4 / 3, 3])(
    'that does not empty at %f times the rate keeps nobody waiting for longer than half a second',
    async (times) => {
      const { replicas, pass, clock } = await startBudgets(4);
      const startedAt = clock.now();
      let asked = 0;
      for (let passed = 0; passed < 6000; passed += 5) {
        for (; asked < ((passed + 5) / 1000) * RATE * times; asked++) void replicas[asked % 4]?.ask();
        await pass(5);
      }
      const late = startedAt + 2500;
      const waits = replicas.flatMap(({ admitted }) => admitted.filter(({ at }) => at > late));
      const refusals = replicas.flatMap(({ refused }) => refused.filter(({ at }) => at > late));
      expect(median(waits.map(({ waitedMs }) => waitedMs))).toBeLessThan(250);
      expect(refusals.length).toBeGreaterThan(100);
      expect(Math.max(...refusals.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(300);
      const all = replicas.flatMap(({ refused }) => refused.map(({ waitedMs }) => waitedMs));
      expect(Math.max(...all)).toBeLessThanOrEqual(500);
      expect(waits.length).toBeGreaterThan(3.5 * 168);
      for (const { error } of refusals)
        expect(error).toMatchObject({ code: 'THROTTLED', upstream: { retryable: true } });
      for (const { error } of refusals) expect(error.upstream?.retryAfterMs).toBeGreaterThan(0);
    },
  );

  it('never keeps a call beyond its deadline', async () => {
    const { first, pass } = await startBudgets(1);
    for (let n = 0; n < 200; n++) void first.ask({ deadlineMs: 400 });
    await pass(1100);
    expect(first.refused).toHaveLength(20);
    for (const { waitedMs } of first.refused) expect(waitedMs).toBeLessThanOrEqual(400);
  });

  it('is left at once by a call that is cancelled, which costs nothing then', async () => {
    const { first, pass } = await startBudgets(1);
    for (let n = 0; n < RATE; n++) void first.ask();
    const abort = new AbortController();
    void first.ask({ signal: abort.signal });
    await pass(10);
    abort.abort(new Error('gone'));
    await pass(1);
    expect(first.refused).toMatchObject([{ error: { message: 'gone' } }]);
    expect(first.state()?.waiting.interactive).toBe(0);
  });
});

describe('priorities', () => {
  it('interactive calls go first, then revalidation, then priming', async () => {
    const { first, pass } = await startBudgets('alone', { ratePerSecond: 20 });
    for (let n = 0; n < 20; n++) void first.ask();
    await pass(800);
    for (const priority of ['priming', 'revalidation', 'interactive'] as const) {
      for (let n = 0; n < 4; n++) void first.ask({ priority });
    }
    await pass(260);
    expect(first.admitted.slice(20).map(({ priority }) => priority)).toEqual([
      ...Array(4).fill('interactive'),
      ...Array(4).fill('revalidation'),
      ...Array(4).fill('priming'),
    ]);
  });

  it('background calls leave some of the rate to interactive ones of any replica', async () => {
    const { replicas, pass } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    for (let n = 0; n < 300; n++) void background.ask({ priority: n % 2 ? 'revalidation' : 'priming' });
    await pass(5);
    expect(background.admitted.length).toBeLessThanOrEqual(0.9 * RATE);
    for (let n = 0; n < 0.1 * RATE; n++) void busy.ask();
    await pass(5);
    expect(busy.admitted).toHaveLength(0.1 * RATE);
  });

  it('background calls get nothing while interactive ones of any replica use it all', async () => {
    const { replicas, pass } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    await rush([busy], pass, 3000);
    for (let passed = 0; passed < 2000; passed += 20) {
      void background.ask({ priority: 'revalidation' });
      void background.ask({ priority: 'priming' });
      await rush([busy], pass, 20);
    }
    expect(background.admitted.length).toBeLessThan(5);
    expect(background.refused.length).toBeGreaterThan(100);
  });

  it('background calls use what is left, without slowing interactive ones', async () => {
    const { replicas, pass } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    for (let passed = 0; passed < 4000; passed += 20) {
      void busy.ask();
      for (let n = 0; n < 4; n++) void background.ask({ priority: 'revalidation' });
      await pass(20);
    }
    expect(Math.max(...busy.admitted.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(10);
    expect(background.admitted.length).toBeGreaterThan(4 * (0.9 * 170 - 50));
    expect(busiest(timesOf(replicas), SECOND_MS)).toBeLessThanOrEqual(RATE);
  });

  it('a call whose priority rises while it waits moves up', async () => {
    const { first, clock, pass } = await startBudgets('alone');
    for (let n = 0; n < RATE; n++) void first.ask();
    const signal = new AbortController().signal;
    const call = { signal, deadlineAt: clock.now() + 5000, priority: 'priming' as Priority };
    let wentAt = 0;
    const admitted = first.budget.admit('follow_get', call).then(() => {
      wentAt = clock.now();
    });
    const startedAt = clock.now();
    await pass(50);
    call.priority = 'interactive';
    await pass(1010);
    await admitted;
    expect(wentAt - startedAt).toBeLessThanOrEqual(SECOND_MS + 50);
  });
});

describe('an upstream that says "too often"', () => {
  it('is asked more slowly by all replicas, for many answers as for one, and at the full rate after a while', async () => {
    const { replicas, first, pass, clock } = await startBudgets(2);
    void first.ask();
    for (let n = 0; n < 5; n++) for (const { budget } of replicas) budget.throttled('follow_get');
    await pass(1500);
    const decreasedAt = clock.now();
    await rush(replicas, pass, 2100, 2);
    const slow = between(timesOf(replicas), decreasedAt, decreasedAt + 2100) / 2;
    expect(slow).toBeGreaterThan(0.75 * RATE);
    expect(slow).toBeLessThan(0.9 * RATE);
    expect(first.state()?.limit).toBeLessThan(0.9 * RATE);
    clock.advance(10_000);
    await pass(1);
    const recoveredAt = clock.now();
    await rush(replicas, pass, 2100, 2);
    expect(between(timesOf(replicas), recoveredAt, recoveredAt + 2100) / 2).toBeGreaterThan(0.97 * RATE);
  });

  it('lets the refused call go again before all others, and keeps it until its deadline', async () => {
    const { first, pass } = await startBudgets('alone');
    await rush([first], pass, 3000, 2);
    for (let n = 0; n < 10; n++) void first.ask();
    void first.ask({ again: true });
    await pass(300);
    const [repeated] = first.admitted.filter(({ again }) => again);
    expect(repeated?.waitedMs).toBeLessThan(130);
  });
});

describe('without Redis', () => {
  it('each replica keeps to its part, and shares again when Redis is back', async () => {
    const { replicas, first, pass, clock } = await startBudgets(3);
    await pass(13_000);
    await rush(replicas, pass, 3000, 1);
    for (const { link } of replicas) link.condition = 'away';
    const goneAt = clock.now();
    await rush(replicas, pass, 3000, 1);
    expect(first.state()).toMatchObject({ shared: false, limit: RATE / 3 });
    const times = () => timesOf(replicas);
    expect(busiest(times(), SECOND_MS)).toBeLessThan(200);
    expect(between(times(), goneAt + 500, goneAt + 2500)).toBeGreaterThan(2 * 165);

    const backAt = clock.now();
    for (const { link } of replicas) link.condition = 'up';
    await rush(replicas, pass, 4000, 1);
    expect(replicas.map(({ budget }) => budget.state().follow_get?.shared)).toEqual([true, true, true]);
    expect(between(times(), backAt + 1000, backAt + 4000)).toBeGreaterThan(3 * 165);
  });

  it('an answer that does not come is waited for briefly, then each replica goes on alone', async () => {
    const { replicas, pass } = await startBudgets(2);
    await rush(replicas, pass, 1500, 1);
    for (const { link } of replicas) link.condition = 'mute';
    await rush(replicas, pass, 3000, 1);
    for (const { budget } of replicas) expect(budget.state().follow_get?.shared).toBe(false);
    expect(busiest(timesOf(replicas), SECOND_MS)).toBeLessThan(200);
  });

  it('a replica that has not seen Redis yet assumes that it is one of four', async () => {
    const { first, pass } = await startBudgets(1);
    first.link.condition = 'away';
    void first.ask();
    await pass(50);
    expect(first.state()?.limit).toBe(RATE / 4);
  });
});
