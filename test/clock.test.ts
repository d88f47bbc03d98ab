import { setImmediate as loopTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
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
