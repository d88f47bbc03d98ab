// A kept answer is given no longer than it is true: what the gateway itself changes shows in the next one.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';
import { PATH, TOKEN } from '../webhook/told-house.ts';
import { ask, askUntilKept, isKept, trustedText, userIn } from './keeping.ts';
import { change, FANS_OF_STAR, fansOf, HEADER_OF_STAR, keep, openStar, WITH_ANNA, WITHOUT_ANNA } from './star.ts';

describe('a follow and an unfollow through the gateway', () => {
  test.each(['30', '0'])(
    'show in the next answer, with a lag of %s s, and so they do when the lag is over',
    async (WRITE_LAG_SECONDS) => {
      const house = await openStar({ env: { WRITE_LAG_SECONDS } });
      await keep(house);
      await change(house, 'followUsers', 'anna');
      expect(await fansOf(house)).toEqual(WITH_ANNA);
      await keep(house);
      expect(await fansOf(house)).toEqual(WITH_ANNA);
      await change(house, 'unfollowUsers', 'anna');
      expect(await fansOf(house)).toEqual(WITHOUT_ANNA);
      await keep(house);
      house.clock.advance(32_000);
      await keep(house);
      expect(await fansOf(house)).toEqual(WITHOUT_ANNA);
    },
  );

  test('show in lists also while the upstream does not show them yet, and in everything afterwards', async () => {
    const house = await openStar({ env: { WRITE_LAG_SECONDS: '30' } });
    house.sandbox.faults.set({ countsLag: { ms: 10_000 }, listsLag: { ms: 10_000 } });
    await keep(house);
    await change(house, 'followUsers', 'anna');
    for (let seconds = 0; seconds < 40; seconds += 4) {
      expect((await fansOf(house)).ids).toEqual(WITH_ANNA.ids);
      await askUntilKept(house, FANS_OF_STAR);
      house.clock.advance(4000);
    }
    await askUntilKept(house, FANS_OF_STAR);
    expect(await fansOf(house)).toEqual(WITH_ANNA);
  });

  test('show in the lists of both', async () => {
    const follows = { query: trustedText('02'), variables: { userId: 'anna' } };
    const house = await openStar();
    await keep(house, follows);
    await change(house, 'followUsers', 'anna');
    const { answer } = await ask(house, follows);
    expect(answer.data).toMatchObject({ user: { follows: { edges: [{ node: { id: 'star' } }] } } });
  });

  test('show in an answer whose page has been read anew by another question since', async () => {
    const query = trustedText('02');
    const bodyOf = (first: number) => ({ query, variables: { userId: 'anna', first } });
    const house = await openStar({ env: { WRITE_LAG_SECONDS: '0' } });
    await keep(house, bodyOf(2));
    await change(house, 'followUsers', 'anna');
    for (const first of [3, 2]) {
      const { answer } = await ask(house, bodyOf(first));
      expect(answer.data).toMatchObject({ user: { follows: { edges: [{ node: { id: 'star' } }] } } });
    }
  });

  test('show in an answer whose counts have been read anew by another question since', async () => {
    const house = await openStar({ env: { WRITE_LAG_SECONDS: '0' } });
    await askUntilKept(house, HEADER_OF_STAR);
    await change(house, 'followUsers', 'anna');
    expect(await fansOf(house)).toEqual(WITH_ANNA);
    expect(userIn<{ fansCount: number }>(await ask(house, HEADER_OF_STAR)).fansCount).toBe(4);
  });

  test('of others leave an answer where it is', async () => {
    const house = await openStar();
    house.sandbox.world.importAccount('other');
    await keep(house);
    await house.as('anna').data('mutation { followUsers(input: { userIds: ["other"] }) { viewer { id } } }');
    expect(await isKept(house, FANS_OF_STAR)).toBe(true);
  });
});

describe('what another replica changes', () => {
  async function openTwo(env: Record<string, string> = {}) {
    const { url: REDIS_URL } = await startRedis();
    // A machine that is busy must not be taken for a Redis that is away.
    const house = await openStar({ clock: createRunningClock(), env: { REDIS_URL, REDIS_TIMEOUT_MS: '5000', ...env } });
    return { house, other: await house.openReplica() };
  }

  test.each(['30', '0'])('shows here as soon as it is told, with a lag of %s s', async (WRITE_LAG_SECONDS) => {
    const { house, other } = await openTwo({ WRITE_LAG_SECONDS });
    await keep(house);
    await askUntilKept(other, FANS_OF_STAR);
    await change(other, 'followUsers', 'anna');
    expect(await fansOf(other)).toEqual(WITH_ANNA);
    await expect.poll(() => fansOf(house)).toEqual(WITH_ANNA);
    await keep(house);
    await change(other, 'unfollowUsers', 'anna');
    expect(await fansOf(other)).toEqual(WITHOUT_ANNA);
    await expect.poll(() => fansOf(house)).toEqual(WITHOUT_ANNA);
  });

  test('shows here when the upstream tells the other of it', async () => {
    const { house, other } = await openTwo({ WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH });
    house.sandbox.webhooks.connect({ url: `${other.url}${PATH}`, token: TOKEN });
    await keep(house);
    house.sandbox.act.follow('anna', 'star');
    await house.sandbox.webhooks.settled();
    await expect.poll(() => fansOf(house)).toEqual(WITH_ANNA);
  });
});

test('whoever asks at once with a change gets the answer of before or after, and whoever asks after it that of after', async () => {
  const house = await openStar();
  await keep(house);
  for (let round = 0; round < 10; round++) {
    const [field, before, after] =
      round % 2 === 0
        ? (['followUsers', WITHOUT_ANNA, WITH_ANNA] as const)
        : (['unfollowUsers', WITH_ANNA, WITHOUT_ANNA] as const);
    const asking = Array.from({ length: 20 }, () => fansOf(house));
    const changing = change(house, field, 'anna').then(() =>
      Promise.all(Array.from({ length: 20 }, () => fansOf(house))),
    );
    const during = Array.from({ length: 20 }, () => fansOf(house));
    for (const { ids } of await Promise.all([...asking, ...during]))
      expect([before.ids, after.ids]).toContainEqual(ids);
    for (const seen of await changing) expect(seen).toEqual(after);
    await keep(house);
  }
});
