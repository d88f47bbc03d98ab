// A kept answer is given no longer than it is true: not beyond its time, its account, or the right to see it.
import { describe, expect, test } from 'vitest';
import { ask, askUntilKept, isKept, PEOPLE, PROFILE_HEADER } from './keeping.ts';
import { FANS_OF_STAR, fansOf, HEADER_OF_STAR, keep, openStar, WITH_ANNA, WITHOUT_ANNA } from './star.ts';

describe('time', () => {
  test('has a kept answer be what any other is: fresh, then stale and marked, then asked for anew', async () => {
    const house = await openStar();
    await keep(house);
    house.sandbox.world.follow('anna', 'star');
    house.clock.advance(20_000);
    expect(await isKept(house, FANS_OF_STAR)).toBe(true);
    expect(await fansOf(house)).toEqual(WITHOUT_ANNA);
    house.clock.advance(11_000);
    const { answer } = await ask(house, FANS_OF_STAR);
    expect(answer.extensions?.freshness).toEqual({ oldestAgeSeconds: expect.any(Number), reason: 'REVALIDATING' });
    expect(answer.extensions?.freshness?.oldestAgeSeconds).toBeGreaterThanOrEqual(31);
    await expect.poll(() => fansOf(house)).toEqual(WITH_ANNA);
    await keep(house);
    expect((await ask(house, FANS_OF_STAR)).answer.extensions).toBeUndefined();
  });

  test('has an answer that was stale and marked not come back when all is as it was', async () => {
    const house = await openStar();
    for (let round = 0; round < 3; round++) {
      const { text } = await askUntilKept(house, HEADER_OF_STAR);
      house.clock.advance(31_000);
      const { answer } = await ask(house, HEADER_OF_STAR);
      expect(answer.extensions?.freshness?.reason).toBe('REVALIDATING');
      await expect.poll(async () => (await ask(house, HEADER_OF_STAR)).text).toBe(text);
      expect((await ask(house, HEADER_OF_STAR)).text).toBe(text);
    }
  });

  test('has no stale answer be kept, however long the upstream is away', async () => {
    const house = await openStar();
    await keep(house);
    house.sandbox.faults.set({ httpError: true });
    house.clock.advance(40_000);
    for (let times = 0; times < 5; times++) {
      const { answer } = await ask(house, FANS_OF_STAR);
      expect(answer.data).toMatchObject({ user: { fans: { totalCount: 3 } } });
      expect(answer.extensions?.freshness?.oldestAgeSeconds).toBeGreaterThanOrEqual(40);
    }
    expect(await isKept(house, FANS_OF_STAR)).toBe(false);
  });

  test('without a fresh time has nothing be kept', async () => {
    const house = await openStar({ env: { LIST_FRESH_SECONDS: '0' } });
    await askUntilKept(house, FANS_OF_STAR);
    expect(await isKept(house, FANS_OF_STAR)).toBe(false);
    house.sandbox.world.follow('anna', 'star');
    expect((await fansOf(house)).ids).toEqual(WITH_ANNA.ids);
  });
});

describe('an account', () => {
  test('that is gone is missing as soon as that is known', async () => {
    const house = await openStar();
    await keep(house);
    house.sandbox.world.removeAccount('star');
    house.clock.advance(3_700_000);
    await expect.poll(async () => (await ask(house, FANS_OF_STAR)).answer.data).toEqual({ user: null });
    expect((await askUntilKept(house, FANS_OF_STAR)).answer).toEqual({ data: { user: null } });
  });

  test('that is missing is there as soon as that is known', async () => {
    const house = await openStar();
    const body = { query: PEOPLE, variables: { userIds: ['ghost', 'star'] } };
    await ask(house, { query: PROFILE_HEADER, variables: { userId: 'ghost' } });
    const { answer } = await askUntilKept(house, body);
    expect(answer.data).toMatchObject({ users: [null, { id: 'star' }] });
    house.sandbox.world.importAccount('ghost', { Tag_Profile_IM_Nick: 'Boo' });
    house.clock.advance(31_000);
    await expect
      .poll(async () => (await ask(house, body)).answer.data)
      .toMatchObject({ users: [{ id: 'ghost', nick: 'Boo' }, { id: 'star' }] });
  });

  test('that has just been found missing shows so in answers that needed no more than its id', async () => {
    const house = await openStar({ documents: { id: 'query Id($id: ID!) { user(id: $id) { id } }' } });
    const body = { documentId: 'id', variables: { id: 'ghost' } };
    expect((await askUntilKept(house, body)).answer).toEqual({ data: { user: { id: 'ghost' } } });
    await ask(house, { query: PROFILE_HEADER, variables: { userId: 'ghost' } });
    expect((await ask(house, body)).answer).toEqual({ data: { user: null } });
  });
});

describe('the rule of who may see what', () => {
  test('counts each time, whether it says no where it has said yes, or yes again', async () => {
    const house = await openStar();
    for (let times = 0; times < 3; times++) {
      await keep(house);
      house.mood.denials = 1000;
      for (const body of [FANS_OF_STAR, FANS_OF_STAR]) {
        const { answer, text } = await ask(house, body);
        expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
        expect(text).not.toContain('crowd');
      }
      house.mood.denials = 0;
      expect(await fansOf(house)).toEqual(WITHOUT_ANNA);
    }
  });

  test('counts for whoever is logged in, too, where the operation is public', async () => {
    const house = await openStar({ env: { PUBLIC_OPERATIONS: 'FansScreen' } });
    await keep(house);
    house.mood.denials = 1000;
    const { answer } = await ask(house, FANS_OF_STAR, { 'x-viewer-id': 'anna' });
    expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
  });
});
