import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstPage, startSandbox } from './start-sandbox.ts';

const ids = (items: { To_Account: string }[] | undefined) => items?.map((item) => item.To_Account);

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

test('after any sequence of changes the three lists are what the edges say: newest first, equal times by account, a mutual’s time the later of the two', async () => {
  const people = ['ana', 'bo', 'cy', 'di', 'ed'];
  const person = fc.constantFrom(...people);
  const change = fc.tuple(fc.boolean(), person, person, fc.integer({ min: 1, max: 4 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      const { world, pages, close } = await startSandbox();
      for (const id of people) world.importAccount(id);
      const edges = new Map<string, number>();
      for (const [follows, from, to, time] of changes) {
        // Reading in between makes the lists keep themselves sorted.
        world.counts(to);
        if (!follows) {
          world.unfollow(from, to);
          edges.delete(`${from} ${to}`);
        } else if (world.follow(from, to, time)) edges.set(`${from} ${to}`, time);
      }
      const fanSince = (id: string) => edges.get(`${id} ana`) ?? 0;
      const followedSince = (id: string) => edges.get(`ana ${id}`) ?? 0;
      const mutualSince = (id: string) =>
        fanSince(id) && followedSince(id) && Math.max(fanSince(id), followedSince(id));
      for (const [n, timeOf] of [fanSince, followedSince, mutualSince].entries()) {
        const items = (await pages('ana', n + 1, 2)).flat().map((item) => [item.To_Account, item.FollowTime]);
        const members = people.filter((id) => timeOf(id) > 0);
        members.sort((a, b) => timeOf(b) - timeOf(a) || (a < b ? -1 : 1));
        expect(items).toEqual(members.map((id) => [id, timeOf(id)]));
      }
      await close();
    }),
    { numRuns: 30 },
  );
});
