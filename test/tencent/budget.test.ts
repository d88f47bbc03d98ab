import { describe, expect, it } from 'vitest';
import {
  between,
  busiestSecond,
  type Priority,
  type Replica,
  rush,
  startBudgets,
  timesOf,
} from '../budget/start-budgets.ts';

describe('the pace', () => {
  it('lets a few calls go at once and the others one by one, 85 % of the rate and never above it', async () => {
    const { first, pass } = await startBudgets('alone');
    for (let n = 0; n < 150; n++) void first.ask();
    await pass(1);
    expect(first.admitted).toHaveLength(4);
    await pass(1500);
    expect(first.admitted).toHaveLength(150);
    expect(busiestSecond(timesOf([first]))).toBeLessThanOrEqual(140);
    expect(between(timesOf([first]), timesOf([first])[0] ?? 0, (timesOf([first])[0] ?? 0) + 1000)).toBeGreaterThan(135);
  });

  it('is one for all replicas, and each gets an equal part of it', async () => {
    const { replicas, pass } = await startBudgets(3);
    await rush(replicas, pass, 3000);
    const times = timesOf(replicas);
    expect(busiestSecond(times)).toBeLessThanOrEqual(140);
    expect(times.length).toBeGreaterThan(3 * 134);
    for (const { admitted } of replicas) {
      expect(admitted.length).toBeGreaterThan(times.length / 3 - 10);
      expect(admitted.length).toBeLessThan(times.length / 3 + 10);
    }
  });

  it('leaves what one replica does not want to the others', async () => {
    const { replicas, pass, first } = await startBudgets(3);
    for (let passed = 0; passed < 2000; passed += 100) {
      void first.ask();
      await rush(replicas.slice(1), pass, 100);
    }
    expect(first.refused).toEqual([]);
    expect(first.admitted.length).toBeGreaterThanOrEqual(19);
    expect(timesOf(replicas).length).toBeGreaterThan(2 * 134);
  });

  it('is half as fast for account_check, of which the upstream allows half as many', async () => {
    const { first, pass } = await startBudgets('alone');
    for (let n = 0; n < 100; n++) void first.ask({ command: 'account_check' });
    await pass(1000);
    expect(first.admitted.length).toBeGreaterThan(66);
    expect(first.admitted.length).toBeLessThanOrEqual(70);
  });

  it('begins slowly when Redis has lost its memory', async () => {
    const { replicas, redis, prefix, pass, clock } = await startBudgets(2);
    await rush(replicas, pass, 1500);
    await redis.del(`${prefix}:budget:follow_get`);
    const lostAt = clock.now();
    await rush(replicas, pass, 1000);
    expect(busiestSecond(timesOf(replicas).filter((at) => at > lostAt - 1000))).toBeLessThanOrEqual(150);
  });

  it('does not pile up after a stall of the process: slots that were missed are lost', async () => {
    const { replicas, pass, clock, settle, first } = await startBudgets(2);
    await rush(replicas, pass, 1000);
    clock.advance(700);
    await settle();
    const stalledUntil = clock.now();
    await pass(1000);
    expect(first.state()?.wasted).toBeGreaterThan(0);
    expect(between(timesOf(replicas), stalledUntil, stalledUntil + 100)).toBeLessThanOrEqual(18);
    expect(busiestSecond(timesOf(replicas))).toBeLessThanOrEqual(140);
  });

  it('waits for a sign when the upstream falls silent, and no longer than half a second', async () => {
    const { first, pass, clock } = await startBudgets('alone');
    for (let n = 0; n < 20; n++) {
      await first.ask();
      first.budget.answered('follow_get');
      await pass(10);
    }
    for (let n = 0; n < 200; n++) void first.ask();
    const silentSince = clock.now();
    await pass(500);
    expect(between(timesOf([first]), silentSince + 100, silentSince + 500)).toBe(0);
    first.budget.answered('follow_get');
    await pass(50);
    expect(between(timesOf([first]), silentSince + 500, silentSince + 550)).toBeGreaterThan(4);
    await pass(700);
    expect(between(timesOf([first]), silentSince + 650, silentSince + 1050)).toBe(0);
    expect(between(timesOf([first]), silentSince + 1150, silentSince + 1250)).toBeGreaterThan(10);
  });

  it('notices that too after calls that were let go and never made', async () => {
    const { first, pass, clock } = await startBudgets('alone');
    for (let n = 0; n < 20; n++) {
      await first.ask();
      first.budget.withdrawn('follow_get');
      await pass(10);
    }
    await pass(10_000);
    for (let n = 0; n < 20; n++) {
      await first.ask();
      first.budget.answered('follow_get');
      await pass(10);
    }
    for (let n = 0; n < 200; n++) void first.ask();
    const silentSince = clock.now();
    await pass(500);
    expect(between(timesOf([first]), silentSince + 100, silentSince + 500)).toBe(0);
  });
});

describe('priorities', () => {
  it('interactive calls go first, then revalidation, then priming', async () => {
    const { first, pass } = await startBudgets('alone');
    for (let n = 0; n < 4; n++) void first.ask();
    await pass(1);
    for (let n = 0; n < 10; n++) {
      for (const priority of ['priming', 'revalidation', 'interactive'] as const) void first.ask({ priority });
    }
    await pass(350);
    expect(first.admitted.slice(4).map(({ priority }) => priority)).toEqual([
      ...Array(10).fill('interactive'),
      ...Array(10).fill('revalidation'),
      ...Array(10).fill('priming'),
    ]);
  });

  it('background calls get nothing while any replica has interactive ones waiting', async () => {
    const { replicas, pass } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    for (let passed = 0; passed < 2000; passed += 20) {
      void background.ask({ priority: 'revalidation' });
      void background.ask({ priority: 'priming' });
      await rush([busy], pass, 20);
    }
    expect(background.admitted.length).toBeLessThan(5);
    expect(background.refused.length).toBeGreaterThan(100);
    expect(busy.admitted.length).toBeGreaterThan(2 * 130);
  });

  it('background calls get what is left, without slowing interactive ones', async () => {
    const { replicas, pass } = await startBudgets(2);
    const [busy, background] = replicas as [Replica, Replica];
    for (let passed = 0; passed < 3000; passed += 20) {
      void busy.ask();
      for (let n = 0; n < 4; n++) void background.ask({ priority: 'revalidation' });
      await pass(20);
    }
    const waits = busy.events.flatMap((event) => (event.kind === 'admitted' ? [event.waitedMs] : []));
    expect(Math.max(...waits)).toBeLessThanOrEqual(10);
    expect(background.admitted.length).toBeGreaterThan(0.8 * 3 * (136 - 50));
    expect(busiestSecond(timesOf(replicas))).toBeLessThanOrEqual(140);
  });

  it('a call whose priority rises while it waits moves up', async () => {
    const { first, clock, pass } = await startBudgets('alone');
    for (let n = 0; n < 40; n++) void first.ask();
    const call = {
      signal: new AbortController().signal,
      deadlineAt: clock.now() + 5000,
      priority: 'priming' as Priority,
    };
    let wentAt = 0;
    void first.budget.admit('follow_get', call).then(() => {
      wentAt = clock.now();
    });
    const startedAt = clock.now();
    await pass(50);
    call.priority = 'interactive';
    for (let n = 0; n < 100; n++) void first.ask();
    await pass(1200);
    expect(wentAt - startedAt).toBeLessThan(350);
  });
});

it('closing refuses those who wait', async () => {
  const { first } = await startBudgets(1);
  const asked = first.ask();
  await first.budget.close();
  await asked;
  expect(first.refused[0]?.error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
});
