// The budget's promise, kept by four processes on one Redis. BUDGET_SECONDS=20 is the long version.
// What leaves is the budget's doing, on any machine; when it arrives is also the machine's, so that is judged where
// no process had to wait long for its turn.
import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { type FleetOptions, runFleet, sum } from './fleet.ts';
import type { Tally } from './load.ts';

const SECONDS = Number(process.env.BUDGET_SECONDS ?? 5);
const RATE = 160;
/** What the upstream itself allows (contract 1.6). */
const UPSTREAM_LIMIT = 200;

/** Three times the budget of each command, from four replicas; interactive calls alone are twice the budget. */
const RUSH: Omit<FleetOptions, 'redisUrl'> = {
  replicas: 4,
  seconds: SECONDS,
  commands: ['follow_get', 'follow_get_info', 'portrait_get'],
  perSecond: { interactive: 80, revalidation: 20, priming: 20 },
  deadlineMs: 1500,
  ratePerSecond: RATE,
};

const answered = (tallies: readonly Tally[], priority: keyof Tally['answered']) =>
  sum(tallies.map((tally) => tally.answered[priority]));

test('in no second do four replicas exceed the budget, under three times the demand', async () => {
  const { url: redisUrl } = await startRedis();
  const { commands, tallies, departures, steady } = await runFleet({ ...RUSH, redisUrl });
  for (const command of RUSH.commands) {
    const { received = 0, busiestSecond, outcomes } = commands[command] ?? {};
    expect(departures(command), command).toBeLessThanOrEqual(RATE);
    expect(received / SECONDS, command).toBeGreaterThanOrEqual((steady ? 0.8 : 0.3) * RATE);
    if (!steady) continue;
    expect(busiestSecond, command).toBeLessThanOrEqual(RATE);
    expect(outcomes, command).toEqual({ 0: received });
  }
  const background = answered(tallies, 'revalidation') + answered(tallies, 'priming');
  expect(background).toBeLessThan(0.02 * answered(tallies, 'interactive'));
  expect(sum(tallies.map(({ failures }) => failures.THROTTLED))).toBeGreaterThan(RATE * SECONDS);
  for (const { retryAfterMs, refusedLateMs, longestStallMs } of tallies) {
    expect(Math.min(...retryAfterMs)).toBeGreaterThan(0);
    expect(refusedLateMs).toBeLessThan(longestStallMs);
  }
});

test('without Redis from half-way on, they stay below what the upstream refuses, and still serve', async () => {
  const redis = await startRedis();
  const events = [{ afterSeconds: SECONDS / 2, happen: redis.kill }];
  const { commands, departures, steady } = await runFleet({ ...RUSH, redisUrl: redis.url, events });
  for (const command of RUSH.commands) {
    const { received = 0, busiestSecond, outcomes } = commands[command] ?? {};
    expect(departures(command), command).toBeLessThanOrEqual(RATE);
    expect(received / SECONDS, command).toBeGreaterThanOrEqual((steady ? 0.7 : 0.3) * RATE);
    if (!steady) continue;
    expect(busiestSecond, command).toBeLessThan(UPSTREAM_LIMIT);
    expect(outcomes, command).toEqual({ 0: received });
  }
});

test('a Redis that goes and comes back does not let them spend twice', async () => {
  const redis = await startRedis();
  const events = [
    { afterSeconds: SECONDS / 5, happen: redis.kill },
    { afterSeconds: SECONDS / 2, happen: redis.restart },
  ];
  const { commands, departures, steady } = await runFleet({ ...RUSH, redisUrl: redis.url, events });
  for (const command of RUSH.commands) {
    const { received, busiestSecond, outcomes } = commands[command] ?? {};
    expect(departures(command), command).toBeLessThanOrEqual(RATE);
    if (!steady) continue;
    expect(busiestSecond, command).toBeLessThan(UPSTREAM_LIMIT);
    expect(outcomes, command).toEqual({ 0: received });
  }
});

test('what nobody has an interactive call for goes to the background, revalidation first', async () => {
  const { url: redisUrl } = await startRedis();
  const perSecond = { interactive: 10, revalidation: 20, priming: 20 };
  const { tallies, departures, steady } = await runFleet({ ...RUSH, redisUrl, perSecond });
  for (const command of RUSH.commands) expect(departures(command), command).toBeLessThanOrEqual(RATE);
  if (steady) expect(answered(tallies, 'interactive')).toBeGreaterThan(0.95 * 3 * 40 * SECONDS);
  expect(answered(tallies, 'revalidation')).toBeGreaterThan(answered(tallies, 'priming'));
});
