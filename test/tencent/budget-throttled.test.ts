import { describe, expect, it } from 'vitest';
import { between, type Replica, rush, startBudgets, timesOf } from '../budget/start-budgets.ts';

describe('an upstream that says "too often"', () => {
  it('is left alone by all replicas for a second, then asked more slowly, and at full pace after a while', async () => {
    const { replicas, first, pass, clock } = await startBudgets(2);
    await rush(replicas, pass, 1000);
    // Every call that was under way says the same.
    for (const { budget } of replicas) for (let n = 0; n < 5; n++) budget.throttled('follow_get');
    const cutAt = clock.now();
    await rush(replicas, pass, 1000);
    const times = () => timesOf(replicas);
    expect(between(times(), cutAt + 60, cutAt + 1000)).toBe(0);
    await rush(replicas, pass, 1000);
    expect(between(times(), cutAt + 1000, cutAt + 2000)).toBeGreaterThan(0.6 * 136);
    expect(between(times(), cutAt + 1000, cutAt + 2000)).toBeLessThan(0.75 * 136);
    expect(first.state()?.ratePerSecond).toBeLessThan(0.75 * 136);
    clock.advance(15_000);
    await pass(100);
    const recoveredAt = clock.now();
    await rush(replicas, pass, 1000);
    expect(between(times(), recoveredAt, recoveredAt + 1000)).toBeGreaterThan(0.95 * 136);
  });

  it('is heard by a replica that did not ask', async () => {
    const { replicas, pass, clock } = await startBudgets(2);
    const [told, other] = replicas as [Replica, Replica];
    await rush([told], pass, 100);
    told.budget.throttled('follow_get');
    await pass(2);
    const cutAt = clock.now();
    for (let n = 0; n < 50; n++) void other.ask();
    await pass(980);
    expect(other.admitted).toEqual([]);
    await pass(500);
    expect(other.admitted.length).toBeGreaterThan(20);
    expect(between(timesOf([other]), cutAt, cutAt + 980)).toBe(0);
  });

  it('slows a process without Redis in the same way, down to a tenth', async () => {
    const { first, pass, clock } = await startBudgets('alone');
    for (let n = 0; n < 12; n++) {
      first.budget.throttled('follow_get');
      await pass(1000);
    }
    const from = clock.now();
    for (let n = 0; n < 100; n++) void first.ask();
    await pass(1000);
    expect(between(timesOf([first]), from, from + 1000)).toBeGreaterThan(10);
    expect(between(timesOf([first]), from, from + 1000)).toBeLessThan(40);
    expect(first.events.filter(({ kind }) => kind === 'throttled')).toHaveLength(12);
  });

  it('refuses calls that could have waited no longer than the pause', async () => {
    const { first, pass } = await startBudgets(1);
    void first.ask();
    await pass(2);
    first.budget.throttled('follow_get');
    await pass(5);
    await first.ask({ deadlineMs: 800 });
    expect(first.refused[0]?.waitedMs).toBe(0);
    expect(first.refused[0]?.error.upstream?.retryAfterMs).toBeGreaterThan(900);
  });
});
