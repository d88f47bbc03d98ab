import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstPage, startSandbox } from './start-sandbox.ts';

const ids = (items: { To_Account: string }[] | undefined) => items?.map((item) => item.To_Account);

describe('the three lists', () => {
  async function smallWorld() {
    const sandbox = await startSandbox();
    for (const id of ['ana', 'bo', 'cy', 'di']) sandbox.world.importAccount(id);
    sandbox.world.follow('bo', 'ana', 100);
    sandbox.world.follow('cy', 'ana', 200);
    sandbox.world.follow('di', 'ana', 200);
    sandbox.world.follow('ana', 'bo', 50);
    sandbox.world.follow('ana', 'cy', 300);
    return sandbox;
  }

  test('fans and follows come newest first, equal times by account', async () => {
    const { call } = await smallWorld();
    expect(ids((await call('follow_get', firstPage('ana'))).FollowItem)).toEqual(['cy', 'di', 'bo']);
    expect(ids((await call('follow_get', { ...firstPage('ana'), FollowType: 2 })).FollowItem)).toEqual(['cy', 'bo']);
  });

  test('a mutual’s time is the later of the two', async () => {
    const { call, world } = await smallWorld();
    const mutuals = async () =>
      (await call('follow_get', { ...firstPage('ana'), FollowType: 3 })).FollowItem?.map((item) => [
        item.To_Account,
        item.FollowTime,
      ]);
    expect(await mutuals()).toEqual([
      ['cy', 300],
      ['bo', 100],
    ]);
    world.follow('ana', 'di', 250);
    world.unfollow('cy', 'ana');
    expect(await mutuals()).toEqual([
      ['di', 250],
      ['bo', 100],
    ]);
  });
});

describe('parameters', () => {
  test.each([
    ['no From_Account', 30001, { From_Account: undefined }],
    ['FollowType 0', 30001, { FollowType: 0 }],
    ['FollowType 4', 30001, { FollowType: 4 }],
    ['FollowType as text', 30001, { FollowType: '1' }],
    ['no StartCursor', 30001, { StartCursor: undefined }],
    ['a negative WantNum', 30001, { WantNum: -1 }],
    ['a fraction as WantNum', 30001, { WantNum: 1.5 }],
    ['WantNum over 1000', 30001, { WantNum: 1001 }],
    ['an unknown From_Account', 30003, { From_Account: 'nobody' }],
    ['WantNum 1000', 0, { WantNum: 1000 }],
  ])('%s answers %i', async (_, code, change) => {
    const { call, world } = await startSandbox();
    world.importAccount('ana');
    expect((await call('follow_get', { ...firstPage('ana'), ...change })).ErrorCode).toBe(code);
  });
});

describe.each([
  ['key positions', {}],
  ['plain offsets', { offsetCursor: true as const }],
])('cursors as %s', (_, faults) => {
  test('lead through the whole list, and a full last page ends it at once', async () => {
    const sandbox = await startSandbox();
    sandbox.world.addFans('ana', 9);
    sandbox.faults.set(faults);
    const pages = await sandbox.pages('ana', 1, 3);
    expect(pages.map((page) => page.length)).toEqual([3, 3, 3]);
    expect(ids(pages.flat())).toEqual(sandbox.world.list('ana', 'fans').map(({ id }) => id));
  });

  test('are refused when they are garbage or of another list', async () => {
    const { call, world, faults: switches } = await startSandbox();
    world.addFans('ana', 5);
    world.addFans('bo', 5);
    switches.set(faults);
    const { NextCursor } = await call('follow_get', firstPage('ana', 2));
    const codeOf = async (change: object) =>
      (await call('follow_get', { ...firstPage('ana'), StartCursor: NextCursor, ...change })).ErrorCode;
    expect(await codeOf({})).toBe(0);
    expect(await codeOf({ From_Account: 'bo' })).toBe(30001);
    expect(await codeOf({ FollowType: 2 })).toBe(30001);
    for (const garbage of ['x', '100', '!!', Buffer.from('null').toString('base64url'), NextCursor.slice(2)]) {
      expect(await codeOf({ StartCursor: garbage })).toBe(30001);
    }
  });
});

test('after any sequence of changes the three lists are what the edges say', async () => {
  const people = ['ana', 'bo', 'cy', 'di', 'ed'];
  const person = fc.constantFrom(...people);
  const change = fc.tuple(fc.boolean(), person, person, fc.integer({ min: 1, max: 4 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      const sandbox = await startSandbox();
      for (const id of people) sandbox.world.importAccount(id);
      const edges = new Map<string, number>();
      for (const [follows, from, to, time] of changes) {
        // Reading in between makes the lists keep themselves sorted.
        sandbox.world.counts(to);
        if (!follows) {
          sandbox.world.unfollow(from, to);
          edges.delete(`${from} ${to}`);
        } else if (sandbox.world.follow(from, to, time)) edges.set(`${from} ${to}`, time);
      }
      const inPageOrder = (times: [string, number | undefined][]) =>
        times
          .filter((entry): entry is [string, number] => entry[1] !== undefined)
          .sort(([a, at], [b, bt]) => bt - at || (a < b ? -1 : 1))
          .map(([id]) => id);
      const fans = people.map((id): [string, number | undefined] => [id, edges.get(`${id} ana`)]);
      const follows = people.map((id): [string, number | undefined] => [id, edges.get(`ana ${id}`)]);
      const mutuals = people.map((id): [string, number | undefined] => {
        const [out, back] = [edges.get(`ana ${id}`), edges.get(`${id} ana`)];
        return [id, out && back && Math.max(out, back)];
      });
      expect(ids((await sandbox.pages('ana', 1, 2)).flat())).toEqual(inPageOrder(fans));
      expect(ids((await sandbox.pages('ana', 2, 2)).flat())).toEqual(inPageOrder(follows));
      expect(ids((await sandbox.pages('ana', 3, 2)).flat())).toEqual(inPageOrder(mutuals));
      await sandbox.close();
    }),
    { numRuns: 30 },
  );
});
