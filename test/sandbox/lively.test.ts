// The world that moves by itself: around the famous people, and never away from where it began.
import { expect, test } from 'vitest';
import { createLively, STEP_MS } from '../../src/sandbox/lively.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { STAR } from '../../src/sandbox/seed.ts';
import { createTestClock } from '../support/clock.ts';

const FAMOUS = ['UserID_001', 'user_00001', STAR];

/** The world of a lively sandbox, on a clock that stands still between its steps. */
function openLively() {
  const clock = createTestClock();
  const { world, act } = createSandbox({ people: 300, clock });
  const { start } = createLively({ world, act, clock });
  start();
  function pass(steps: number): void {
    for (let step = 0; step < steps; step++) clock.advance(STEP_MS);
  }
  return { world, pass };
}

test.each(FAMOUS)('%s gains or loses a fan at least every one and a half seconds', (id) => {
  const { world, pass } = openLively();
  const seen: number[] = [];
  for (let step = 0; step < 600; step++) {
    seen.push(world.counts(id).fans);
    pass(1);
  }
  const changes = seen.map((fans, step) => fans - (seen[step - 1] ?? fans));
  const changedAt = changes.flatMap((change, step) => (change === 0 ? [] : [step]));
  const gaps = changedAt.map((step, n) => (step - (changedAt[n - 1] ?? 0)) * STEP_MS);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1500);
  expect(new Set(changes)).toEqual(new Set([0, 1, -1]));
});

test('however long it goes on, the graph stays near where it began', () => {
  const { world, pass } = openLively();
  const counts = () => [...FAMOUS, 'hermit', 'user_00042'].map((id) => world.counts(id));
  const before = counts();
  pass(5000);
  for (const [index, { fans, follows }] of counts().entries()) {
    expect(Math.abs(fans - (before[index]?.fans ?? 0))).toBeLessThanOrEqual(15);
    expect(Math.abs(follows - (before[index]?.follows ?? 0))).toBeLessThanOrEqual(15);
  }
  // The sample of the upstream's own page is left alone.
  const fans = world.list('UserID_001', 'fans').map(({ id }) => id);
  expect(fans).toEqual(expect.arrayContaining(['UserID_002', 'UserID_003']));
  expect(counts().slice(3)).toEqual(before.slice(3));
});
