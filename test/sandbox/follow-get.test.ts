import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstPage, startSandbox } from './start-sandbox.ts';

test.each([
  ['key positions', {}],
  ['plain offsets', { offsetCursor: true as const }],
])('cursors as %s are refused when they are garbage or of another list', async (_, faults) => {
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
        const read = await pages('ana', n + 1, 2);
        const items = read.flat().map((item) => [item.To_Account, item.FollowTime]);
        const members = people.filter((id) => timeOf(id) > 0);
        members.sort((a, b) => timeOf(b) - timeOf(a) || (a < b ? -1 : 1));
        expect(items).toEqual(members.map((id) => [id, timeOf(id)]));
        // A full last page ends the list at once.
        expect(read).toHaveLength(Math.max(1, Math.ceil(members.length / 2)));
      }
      await close();
    }),
    { numRuns: 30 },
  );
});
