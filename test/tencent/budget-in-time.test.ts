import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { type Priority, type Replica, rush, startBudgets } from '../budget/start-budgets.ts';

describe('a call that cannot be served in time', () => {
  it('is refused at once, with the time after which it could be', async () => {
    const { first, pass } = await startBudgets('alone');
    for (let n = 0; n < 140; n++) void first.ask();
    await first.ask({ deadlineMs: 500 });
    expect(first.refused).toHaveLength(1);
    const { waitedMs, error } = first.refused[0] as Replica['refused'][number];
    expect(waitedMs).toBe(0);
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ code: 'THROTTLED', upstream: { command: 'follow_get', retryable: true } });
    const retryAfterMs = error.upstream?.retryAfterMs ?? 0;
    expect(retryAfterMs).toBeGreaterThan(950);
    expect(retryAfterMs).toBeLessThan(1050);
    await pass(retryAfterMs);
    void first.ask({ deadlineMs: 500 });
    await pass(20);
    expect(first.refused).toHaveLength(1);
  });

  it('is refused at once on any replica, as soon as the replica knows how fast it gets on', async () => {
    const { replicas, pass, clock } = await startBudgets(4);
    await rush(replicas, pass, 2000);
    const since = clock.now();
    await rush(replicas, pass, 1000);
    const late = replicas.flatMap(({ refused }) => refused.filter(({ at, waitedMs }) => at > since && waitedMs > 50));
    const prompt = replicas.flatMap(({ refused }) =>
      refused.filter(({ at, waitedMs }) => at > since && waitedMs <= 50),
    );
    expect(prompt.length).toBeGreaterThan(1000);
    expect(late.length).toBeLessThan(0.02 * prompt.length);
    for (const { error } of prompt) {
      expect(error.upstream?.retryAfterMs).toBeGreaterThan(1500);
      expect(error.upstream?.retryAfterMs).toBeLessThan(3000);
    }
  });

  it('waits at most two seconds, and half a second when it is a background call', async () => {
    const { first, pass } = await startBudgets('alone');
    for (let n = 0; n < 1000; n++) void first.ask({ priority: n % 2 ? 'revalidation' : 'interactive' });
    await pass(2100);
    const waits = (wanted: Priority) =>
      first.events.flatMap((event) => (event.kind === 'admitted' && event.priority === wanted ? [event.waitedMs] : []));
    expect(Math.max(...waits('interactive'))).toBeGreaterThan(1700);
    expect(Math.max(...waits('interactive'))).toBeLessThanOrEqual(2000);
    expect(Math.max(0, ...waits('revalidation'))).toBeLessThanOrEqual(500);
    expect(first.state()?.waiting).toEqual({ interactive: 0, revalidation: 0, priming: 0 });
    expect(first.admitted.length + first.refused.length).toBe(1000);
  });

  it('is told before its deadline', async () => {
    const { replicas, pass } = await startBudgets(3);
    for (let passed = 0; passed < 1500; passed += 5) {
      for (const replica of replicas) for (let n = 0; n < 2; n++) void replica.ask({ deadlineMs: 300 });
      await pass(5);
    }
    await pass(400);
    const refused = replicas.flatMap(({ refused }) => refused);
    expect(refused.length).toBeGreaterThan(1000);
    expect(Math.max(...refused.map(({ waitedMs }) => waitedMs))).toBeLessThan(300);
  });

  it('takes no room: the queue has an end even when nobody minds waiting', async () => {
    const { first } = await startBudgets('alone', { maxWaitMs: { interactive: 1e9, background: 1e9 } });
    for (let n = 0; n < 3000; n++) void first.ask({ deadlineMs: 1e9 });
    expect(first.state()?.waiting.interactive).toBe(1000);
  });

  it('leaves at once when nobody waits for it any more, and those behind it move up', async () => {
    const { first, pass } = await startBudgets(1);
    const leaving = new AbortController();
    const reason = new Error('the client hung up');
    const gone = Array.from({ length: 60 }, () => first.ask({ signal: leaving.signal }));
    void first.ask();
    leaving.abort(reason);
    await Promise.all(gone);
    expect(first.refused.map(({ error }) => error)).toEqual(Array(60).fill(reason));
    await pass(50);
    expect(first.admitted).toHaveLength(1);
    await expect(first.budget.admit('follow_get', { signal: leaving.signal, deadlineAt: 1e15 })).rejects.toBe(reason);
  });
});
