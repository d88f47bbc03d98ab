// The world that moves by itself: the same way each time, around the famous people, and never away from where it began.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLively, STEP_MS } from '../../src/sandbox/lively.ts';
import { createSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { STAR } from '../../src/sandbox/seed.ts';
import { createTestClock } from '../support/clock.ts';

const FAMOUS = ['UserID_001', 'user_00001', STAR];

type Deed = { step: number; type: string; from: string; to?: string; tags?: unknown };

/** A lively sandbox on a clock that stands still, and everything that its people have done. */
function openLively(options: SandboxOptions = {}) {
  const clock = createTestClock();
  const sandbox = createSandbox({ people: 300, ...options, clock });
  const deeds: Deed[] = [];
  let step = 0;
  const act: Parameters<typeof createLively>[0]['act'] = {
    connect: sandbox.act.connect,
    follow(from, to) {
      deeds.push({ step, type: 'follow', from, to });
      return sandbox.act.follow(from, to);
    },
    unfollow(from, to) {
      deeds.push({ step, type: 'unfollow', from, to });
      return sandbox.act.unfollow(from, to);
    },
    setProfile(from, tags) {
      deeds.push({ step, type: 'profile', from, tags });
      return sandbox.act.setProfile(from, tags);
    },
  };
  const lively = createLively({ world: sandbox.world, act, clock });
  return {
    sandbox,
    deeds,
    ...lively,
    async pass(steps: number) {
      for (const end = step + steps; step < end; ) {
        step += 1;
        clock.advance(STEP_MS);
        await turn();
      }
    },
  };
}

/** The changes in the first `steps` steps after the start. */
async function deedsOf(steps: number, options?: Parameters<typeof openLively>[0]): Promise<Deed[]> {
  const { start, pass, deeds } = openLively(options);
  start();
  await pass(steps);
  return deeds;
}

test.each(FAMOUS)('%s gains or loses a fan at least every one and a half seconds', async (id) => {
  const changes = (await deedsOf(600)).filter(({ type, to }) => type !== 'profile' && to === id);
  const gaps = changes.slice(1).map(({ step }, index) => (step - (changes[index]?.step ?? 0)) * STEP_MS);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1500);
  for (const type of ['follow', 'unfollow']) expect(changes.some((change) => change.type === type)).toBe(true);
});

test('however long it goes on, the graph stays near where it began', async () => {
  const { start, pass, sandbox } = openLively();
  const counts = () => [...FAMOUS, 'hermit', 'user_00042'].map((id) => sandbox.world.counts(id));
  const before = counts();
  start();
  await pass(5000);
  for (const [index, { fans, follows }] of counts().entries()) {
    expect(Math.abs(fans - (before[index]?.fans ?? 0))).toBeLessThanOrEqual(15);
    expect(Math.abs(follows - (before[index]?.follows ?? 0))).toBeLessThanOrEqual(15);
  }
  // The sample of the upstream's own page is left alone.
  const fans = sandbox.world.list('UserID_001', 'fans').map(({ id }) => id);
  expect(fans).toEqual(expect.arrayContaining(['UserID_002', 'UserID_003']));
  expect(counts().slice(3)).toEqual(before.slice(3));
});
