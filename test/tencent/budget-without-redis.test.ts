import { describe, expect, it } from 'vitest';
import { between, busiestSecond, rush, startBudgets, timesOf } from '../budget/start-budgets.ts';

describe('without Redis', () => {
  it('each replica keeps to its share, without a burst, and shares again when Redis is back', async () => {
    const { replicas, first, pass, clock } = await startBudgets(3);
    await pass(11_000);
    await rush(replicas, pass, 1500);
    for (const { link } of replicas) link.condition = 'away';
    const goneAt = clock.now();
    await rush(replicas, pass, 3000);
    expect(first.state()).toMatchObject({ shared: false });
    expect(first.state()?.ratePerSecond).toBeCloseTo(136 / 3);
    expect(busiestSecond(timesOf(replicas))).toBeLessThanOrEqual(140);
    expect(between(timesOf(replicas), goneAt + 500, goneAt + 2500)).toBeGreaterThan(2 * 130);

    // One hears of it first; the others still keep to their shares.
    const backAt = clock.now();
    first.link.condition = 'up';
    await rush(replicas, pass, 1000);
    for (const { link } of replicas) link.condition = 'up';
    await rush(replicas, pass, 5000);
    expect(replicas.map(({ budget }) => budget.state().follow_get?.shared)).toEqual([true, true, true]);
    expect(busiestSecond(timesOf(replicas).filter((at) => at >= backAt - 1000))).toBeLessThanOrEqual(150);
    expect(between(timesOf(replicas), backAt + 4500, backAt + 5500)).toBeGreaterThan(130);
    expect(first.events.filter(({ kind }) => kind === 'local' || kind === 'shared').map(({ kind }) => kind)).toEqual([
      'local',
      'shared',
    ]);
  });

  it('an answer that does not come is waited for, and what it may have granted is not spent again', async () => {
    const { replicas, pass, clock } = await startBudgets(2);
    await rush(replicas, pass, 1500);
    const muteAt = clock.now();
    for (const { link } of replicas) link.condition = 'mute';
    await rush(replicas, pass, 900);
    expect(between(timesOf(replicas), muteAt + 60, muteAt + 900)).toBe(0);
    await rush(replicas, pass, 1500);
    expect(between(timesOf(replicas), muteAt + 1100, muteAt + 2100)).toBeGreaterThan(60);
    expect(busiestSecond(timesOf(replicas))).toBeLessThanOrEqual(140);
  });

  it('a replica that has not seen Redis yet assumes that it is one of four', async () => {
    const { first, pass } = await startBudgets(1);
    first.link.condition = 'away';
    void first.ask();
    await pass(50);
    expect(first.state()?.ratePerSecond).toBeCloseTo(136 / 4);
  });

  it('replicas that have left do not count', async () => {
    const { replicas, first, pass } = await startBudgets(3);
    for (const { budget } of replicas.slice(1)) await budget.close();
    await pass(13_000);
    first.link.condition = 'away';
    void first.ask();
    await pass(20);
    expect(first.state()?.ratePerSecond).toBeCloseTo(136);
  });
});
