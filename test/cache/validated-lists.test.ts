// A list is not read again while its owner's counter stays the same, and never shown for longer than that allows.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { SEED } from '../support/random-cases.ts';

const LIST = '{ user(id: "star") { fans(first: 100) { nodes { id } } } }';
const FRESH_MS = 30_000;
const VALIDATED_MS = 120_000;
/** What the test itself takes. */
const SLACK_MS = 1000;

async function openStar(env: Record<string, string> = {}) {
  const clock = createRunningClock();
  const gateway = await openGateway({
    env: { LIST_STALE_SECONDS: '0', ...env },
    clock,
  });
  gateway.sandbox.world.addFans('star', 10);
  const { world } = gateway.sandbox;
  const truth = () => world.list('star', 'fans').map(({ id }) => id);
  const read = async () => {
    const { user } = await gateway.data<{ user: { fans: { nodes: { id: string }[] } } }>(LIST);
    return user.fans.nodes.map(({ id }) => id);
  };
  return { clock, gateway, world, truth, read };
}

test.each([
  ['120', 2],
  ['0', 8],
])('with LIST_VALIDATED_SECONDS=%s an unchanged list is read %i times in four minutes', async (validated, calls) => {
  const { clock, gateway, truth, read } = await openStar({ LIST_VALIDATED_SECONDS: validated });
  for (let n = 0; n < 48; n++) {
    expect(await read()).toEqual(truth());
    clock.advance(5000);
  }
  expect(gateway.sandbox.calls.count('follow_get')).toBeGreaterThanOrEqual(calls);
  expect(gateway.sandbox.calls.count('follow_get')).toBeLessThanOrEqual(calls + 1);
});

test(`however members come and go, no list is wrong for long (seed ${SEED})`, async () => {
  const { clock, world, truth, read } = await openStar();
  let state = SEED;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 1;
    return (state >>> 8) % below;
  };
  /** What was true from when on, newest first. */
  const history = [{ at: clock.now(), ids: truth() }];
  let hidden = 0;
  for (let n = 0; n < 400; n++) {
    if (random(3) === 0) {
      const leaves = random(2) === 0 ? truth()[random(truth().length)] : undefined;
      if (leaves) world.unfollow(leaves, 'star');
      const comes = leaves === undefined || random(2) === 0 ? `new${n}` : undefined;
      if (comes) world.importAccount(comes, {});
      if (comes) world.follow(comes, 'star', Math.floor(clock.now() / 1000));
      history.unshift({ at: clock.now(), ids: truth() });
    }
    const shown = await read();
    const now = clock.now();
    const isShown = ({ ids }: { ids: string[] }) => ids.join() === shown.join();
    const last = history.findIndex(isShown);
    expect(last).toBeGreaterThanOrEqual(0);
    const wrongForMs = last === 0 ? 0 : now - (history[last - 1]?.at ?? 0);
    const within = history.filter((_, i) => i === 0 || (history[i - 1]?.at ?? 0) > now - FRESH_MS - SLACK_MS);
    const isCounterSame = within.some(({ ids }) => ids.length === shown.length);
    expect(wrongForMs).toBeLessThan((isCounterSame ? VALIDATED_MS : FRESH_MS) + SLACK_MS);
    if (wrongForMs > FRESH_MS + SLACK_MS) hidden++;
    clock.advance(random(20_000));
  }
  // Some members came as others left, and only then is a list taken for what it was.
  expect(hidden).toBeGreaterThan(0);
});
