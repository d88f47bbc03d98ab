import { setImmediate as loopTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';

test('a wait that is over before it begins, or without end, is what it says, and Node warns of neither', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => void warnings.push(name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  let rung = 0;
  const callOff = systemClock.alarm(Number.POSITIVE_INFINITY, () => rung++);
  await systemClock.sleep(-5);
  await loopTurn();
  callOff();
  expect({ warnings, rung }).toEqual({ warnings: [], rung: 0 });
});

test('an alarm rings after the time that was asked for, though it be longer than a timer of Node runs', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const day = 86_400_000;
  const rung: string[] = [];
  systemClock.alarm(180 * day, () => rung.push('180 days'));
  const callOff = systemClock.alarm(60 * day, () => rung.push('60 days'));
  vi.advanceTimersByTime(50 * day);
  callOff();
  vi.advanceTimersByTime(130 * day - 1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual(['180 days']);
});
