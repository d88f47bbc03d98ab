// The budget's rules, over real Redis and a clock that the tests turn.
import { describe, expect, it } from 'vitest';
import { busiestSecond } from '../support/busiest-second.ts';
import { between, RATE, type Replica, startBudgets } from './start-budgets.ts';

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

describe('the rate', () => {
  it.each([['alone'], [1]] as const)('goes at once while there is room, and never above it (%s)', async (count) => {
    const { first, pass, times } = await startBudgets(count);
    first.askTimes(300);
    await pass(1);
    expect(first.admitted).toHaveLength(RATE);
    await pass(500);
    expect(first.refused).toHaveLength(120);
    first.askTimes(300);
    await pass(1100);
    expect(busiestSecond(times())).toBeLessThanOrEqual(RATE);
  });

  it('is one for all replicas, used to the full, and each gets a fair part of it', async () => {
    const { replicas, rush, times } = await startBudgets(4);
    await rush(replicas, 5000, 1);
    expect(busiestSecond(times())).toBeLessThanOrEqual(RATE);
    expect(times().length).toBeGreaterThanOrEqual(5 * 170);
    for (const { admitted } of replicas) expect(admitted.length).toBeGreaterThan(0.7 * (times().length / 4));
  });

  it('leaves what one replica does not want to the others', async () => {
    const { replicas, rush, first, times } = await startBudgets(3);
    for (let passed = 0; passed < 3000; passed += 100) {
      first.ask();
      await rush(replicas.slice(1), 100, 1);
    }
    expect(first.admitted.length).toBeGreaterThanOrEqual(20);
    expect(times().length).toBeGreaterThan(3 * 170);
  });

  it.each(['account_check', 'multiaccount_import'] as const)(
    'is half as high for %s, of which the upstream allows half as many',
    async (command) => {
      const { first, pass } = await startBudgets('alone');
      first.askTimes(150, { command });
      await pass(1);
      expect(first.admitted).toHaveLength(RATE / 2);
    },
  );

  it('of user search is two a second for four replicas together, used to the full and never exceeded', async () => {
    const { replicas, passDoing, times } = await startBudgets(4);
    await passDoing(20_000, 50, () => {
      for (const { ask } of replicas) ask({ command: 'search' });
    });
    expect(busiestSecond(times())).toBe(2);
    expect(times().length).toBeGreaterThanOrEqual(2 * 18);
  });
});

describe('the queue', () => {
  it.each([4 / 3, 3])(
    'that does not empty at %f times the rate keeps nobody waiting for longer than half a second',
    async (factor) => {
      const { replicas, passDoing, clock } = await startBudgets(4);
      const startedAt = clock.now();
      let asked = 0;
      await passDoing(6000, 5, () => {
        const due = ((clock.now() - startedAt + 5) / 1000) * RATE * factor;
        for (; asked < due; asked++) replicas[asked % 4]?.ask();
      });
      const isLate = ({ at }: { at: number }) => at > startedAt + 2500;
      const waits = replicas.flatMap(({ admitted }) => admitted.filter(isLate));
      const all = replicas.flatMap(({ refused }) => refused);
      const refusals = all.filter(isLate);
      const longest = (some: typeof all) => Math.max(...some.map(({ waitedMs }) => waitedMs));
      expect(median(waits.map(({ waitedMs }) => waitedMs))).toBeLessThan(250);
      expect(refusals.length).toBeGreaterThan(100);
      expect(longest(refusals)).toBeLessThanOrEqual(300);
      expect(longest(all)).toBeLessThanOrEqual(500);
      expect(waits.length).toBeGreaterThan(3.5 * 168);
      for (const { error } of refusals) {
        expect(error).toMatchObject({ code: 'THROTTLED', upstream: { retryable: true } });
        expect(error.upstream?.retryAfterMs).toBeGreaterThan(0);
      }
    },
  );

  it('keeps a renewal for which a client has come to wait no longer than the client’s own calls', async () => {
    const { first, pass } = await startBudgets(1);
    first.askTimes(RATE);
    const renewal = first.ask({ priority: 'revalidation' });
    await pass(100);
    renewal.priority = 'interactive';
    await pass(500);
    expect(first.refused).toMatchObject([{ error: { code: 'THROTTLED' } }]);
  });

  it('never keeps a call beyond its deadline', async () => {
    const { first, pass } = await startBudgets(1);
    first.askTimes(200, { deadlineMs: 400 });
    await pass(1100);
    expect(first.refused).toHaveLength(20);
    for (const { waitedMs } of first.refused) expect(waitedMs).toBeLessThanOrEqual(400);
  });

  it.each([['alone'], [1]] as const)(
    'lets calls go that are late only because the process stood still (%s)',
    async (count) => {
      const { first, pass, clock } = await startBudgets(count);
      first.askTimes(RATE);
      await pass(900);
      first.askTimes(10);
      await pass(1);
      clock.advance(2000);
      await pass(1);
      // The question is under way for the first of them alone.
      first.askTimes(50);
      clock.advance(2000);
      await pass(1);
      expect(first.refused).toEqual([]);
      expect(first.admitted).toHaveLength(RATE + 60);
    },
  );

  it('is left at once by a call that is cancelled, which costs nothing then', async () => {
    const { first, pass } = await startBudgets(1);
    first.askTimes(RATE);
    const abort = new AbortController();
    first.ask({ signal: abort.signal });
    await pass(10);
    abort.abort(new Error('gone'));
    await pass(1);
    expect(first.refused).toMatchObject([{ error: { message: 'gone' } }]);
    expect(first.state()?.waiting.interactive).toBe(0);
  });
});

describe('priorities', () => {
  it('interactive calls go first, then revalidation, then priming', async () => {
    const { first, pass } = await startBudgets('alone', 20);
    first.askTimes(20);
    await pass(800);
    for (const priority of ['priming', 'revalidation', 'interactive'] as const) first.askTimes(4, { priority });
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
    for (const priority of ['priming', 'revalidation'] as const) background.askTimes(150, { priority });
    await pass(5);
    expect(background.admitted.length).toBeLessThanOrEqual(0.9 * RATE);
    busy.askTimes(0.1 * RATE);
    await pass(5);
    expect(busy.admitted).toHaveLength(0.1 * RATE);
  });

  it('background calls get nothing while interactive ones of any replica use it all', async () => {
    const { replicas, rush } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    await rush([busy], 3000);
    for (let passed = 0; passed < 2000; passed += 20) {
      for (const priority of ['revalidation', 'priming'] as const) background.ask({ priority });
      await rush([busy], 20);
    }
    expect(background.admitted.length).toBeLessThan(5);
    expect(background.refused.length).toBeGreaterThan(100);
  });

  it('background calls use what is left, without slowing interactive ones', async () => {
    const { replicas, passDoing, times } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    await passDoing(4000, 20, () => {
      busy.ask();
      background.askTimes(4, { priority: 'revalidation' });
    });
    expect(Math.max(...busy.admitted.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(10);
    expect(background.admitted.length).toBeGreaterThan(4 * (0.9 * 170 - 50));
    expect(busiestSecond(times())).toBeLessThanOrEqual(RATE);
  });

  it('a call whose priority rises while it waits moves up', async () => {
    const { first, pass } = await startBudgets('alone');
    first.askTimes(RATE);
    await pass(700);
    first.askTimes(4, { priority: 'revalidation' });
    const call = first.ask({ priority: 'priming' });
    await pass(50);
    call.priority = 'interactive';
    await pass(300);
    expect(first.admitted[RATE]?.priority).toBe('interactive');
  });
});

describe('an upstream that says "too often"', () => {
  it('is asked more slowly by all replicas, for many answers as for one, and at the full rate after a while', async () => {
    const { replicas, first, rush, pass, clock, times } = await startBudgets(2);
    /** The calls of a second, as two seconds of asking show it. */
    async function measure(): Promise<number> {
      const from = clock.now();
      await rush(replicas, 2100);
      return between(times(), from, from + 2100) / 2;
    }
    first.ask();
    for (let n = 0; n < 5; n++) for (const { budget } of replicas) budget.throttled('follow_get');
    await pass(1500);
    const slow = await measure();
    expect(slow).toBeGreaterThan(0.75 * RATE);
    expect(slow).toBeLessThan(0.9 * RATE);
    expect(first.state()?.limit).toBeLessThan(0.9 * RATE);
    clock.advance(10_000);
    await pass(1);
    expect(await measure()).toBeGreaterThan(0.97 * RATE);
  });

  it('lets the refused call go again before all others, and keeps it until its deadline', async () => {
    const { first, rush, pass } = await startBudgets('alone');
    await rush([first], 3000);
    first.askTimes(10);
    first.ask({ again: true });
    await pass(300);
    const [repeated] = first.admitted.filter(({ again }) => again);
    expect(repeated?.waitedMs).toBeLessThan(130);
  });
});

describe('without Redis', () => {
  it('each replica keeps to its part, and shares again when Redis is back', async () => {
    const { replicas, first, rush, pass, clock, times } = await startBudgets(3);
    await pass(13_000);
    await rush(replicas, 3000, 1);
    for (const { link } of replicas) link.condition = 'away';
    const goneAt = clock.now();
    await rush(replicas, 3000, 1);
    expect(first.state()).toMatchObject({ shared: false, limit: RATE / 3 });
    expect(busiestSecond(times())).toBeLessThan(200);
    expect(between(times(), goneAt + 500, goneAt + 2500)).toBeGreaterThan(2 * 165);

    const backAt = clock.now();
    for (const { link } of replicas) link.condition = 'up';
    await rush(replicas, 4000, 1);
    for (const { state } of replicas) expect(state()?.shared).toBe(true);
    expect(between(times(), backAt + 1000, backAt + 4000)).toBeGreaterThan(3 * 165);
  });

  it('an answer that does not come is waited for briefly, then each replica goes on alone', async () => {
    const { replicas, rush, times } = await startBudgets(2);
    await rush(replicas, 1500, 1);
    for (const { link } of replicas) link.condition = 'mute';
    await rush(replicas, 3000, 1);
    for (const { state } of replicas) expect(state()?.shared).toBe(false);
    expect(busiestSecond(times())).toBeLessThan(200);
  });

  it('a replica that has not seen Redis yet assumes that it is one of four', async () => {
    const { first, pass } = await startBudgets(1);
    first.link.condition = 'away';
    first.ask();
    await pass(50);
    expect(first.state()?.limit).toBe(RATE / 4);
  });
});
