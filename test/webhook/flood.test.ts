// A captured signature signs anything for a minute (CONTRACT 7.3): a flood of forged webhooks costs little.
import { expect, test } from 'vitest';
import { openTwo, openWorld } from '../graph/world.ts';
import { logged } from '../http/requests.ts';
import { canBeSetBack, createHastyClock, createTestClock } from '../support/clock.ts';
import { only, scrape } from '../telemetry/scrape.ts';
import { ADD, follows, tell } from './webhook-gateway.ts';

const STARS = Array.from({ length: 300 }, (_, i) => `star_${i}`);
const FORGED = 5000;
const STEPS = 20;
const FLOOD = 'More webhooks come than an app sends: they are dropped, and fresh times are those without webhooks';

/** Ten seconds of queries about everybody, with forged webhooks about the first ones or without. */
async function openTenSeconds(forged: number) {
  const clock = createHastyClock();
  const gateway = await openWorld({ hasWebhooks: true, clock, people: [...STARS, 'fan'] });
  const { world, calls } = gateway.sandbox;
  for (const id of STARS) world.follow('fan', id);
  const look = (id: string) =>
    gateway.query('query ($id: ID!) { user(id: $id) { fansCount fans { nodes { id } } } }', { id });
  const failures: unknown[] = [];
  for (let step = 0; step < STEPS; step++) {
    const attack = Array.from({ length: forged / STEPS }, (_, n) => {
      const star = STARS[(step * 7 + n) % 50] as string;
      return tell(gateway, ADD, follows('fan', [star], clock.now() - n), { at: clock.now() });
    });
    // The popular ones are asked for in every step.
    const ids = [...STARS.slice(0, 50), ...STARS.slice(step * 15, step * 15 + 15)];
    const answers = await Promise.all(ids.map(look));
    failures.push(
      ...answers.filter(({ errors, extensions }) => errors || (extensions?.freshness?.oldestAgeSeconds ?? 0) > 30),
    );
    for (const response of await Promise.all(attack)) expect(response.status).toBe(200);
    clock.advance(500);
  }
  return { gateway, clock, look, failures, calls: calls.count() };
}

test('5,000 forged webhooks in ten seconds fail no query, and raise the upstream’s calls by a fifth at most', async () => {
  const calm = await openTenSeconds(0);
  const flooded = await openTenSeconds(FORGED);
  expect(flooded.failures).toEqual([]);
  expect(flooded.calls).toBeLessThanOrEqual(calm.calls * 1.2);
  const { gateway, clock, look } = flooded;
  expect(logged(gateway, FLOOD)).toHaveLength(1);
  const outcomes = only(await scrape(gateway), 'webhooks_total');
  expect(outcomes[`{command="${ADD}",outcome="dropped"}`]).toBeGreaterThan(FORGED * 0.9);

  // Nothing is believed for ten minutes while webhooks are dropped.
  await look('star_299');
  clock.advance(31_000);
  expect((await look('star_299')).extensions?.freshness).toBeDefined();

  // After a quiet minute webhooks are taken again.
  clock.advance(60_000);
  await tell(gateway, ADD, follows('fan', ['star_0'], clock.now()), { at: clock.now() });
  expect(logged(gateway, 'Webhooks are taken again')).toHaveLength(1);
}, 180_000);

test('while one replica drops webhooks, no other believes its cache for longer than without them', async () => {
  const { clock, gateway, other } = await openTwo({ hasWebhooks: true, people: ['star', 'dan', 'eve', 'probe'] });
  const { act, webhooks } = gateway.sandbox;
  const ageOf = async (id: string) =>
    (await other.query('query ($id: ID!) { user(id: $id) { fansCount } }', { id })).extensions?.freshness;
  /** Whether what the other replica reads now is fresh in half a minute. */
  const staysFresh = async (id: string) => {
    await ageOf(id);
    clock.advance(31_000);
    return (await ageOf(id)) === undefined;
  };
  act.follow('dan', 'eve');
  await webhooks.settled();
  await expect.poll(() => staysFresh('star'), { timeout: 20_000 }).toBe(true);
  const at = clock.now();
  for (let n = 0; n < 60; n++) await tell(gateway, ADD, follows('dan', ['star'], at - n), { at });
  await expect.poll(() => staysFresh('probe'), { timeout: 20_000 }).toBe(false);
});

test('a flood ends after a quiet minute, although the machine’s clock is set back', async () => {
  const clock = canBeSetBack(createTestClock());
  const gateway = await openWorld({ hasWebhooks: true, clock, people: ['dan', 'star'] });
  const add = (n: number) => tell(gateway, ADD, follows('dan', ['star'], clock.now() - n), { at: clock.now() });
  for (let n = 0; n < 60; n++) await add(n);
  expect(logged(gateway, FLOOD)).toHaveLength(1);
  clock.setBack(3_600_000);
  clock.advance(61_000);
  await add(0);
  expect(logged(gateway, 'Webhooks are taken again')).toHaveLength(1);
});
