import { expect, test } from 'vitest';
import { manualClock, startSandbox } from './start-sandbox.ts';

async function open() {
  const clock = manualClock();
  const sandbox = await startSandbox({ clock, rateLimits: Number.POSITIVE_INFINITY });
  for (const [id, nick] of Object.entries({ ana: 'Ana Li', bo: 'Bo Li', li: 'Cy' })) {
    sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: nick, Tag_Profile_Custom_Test: 'x' });
    clock.advance(1000);
  }
  const find = (more: object) => sandbox.call('search', { Count: 100, ...more });
  const ids = async (more: object) => (await find(more)).Users.map(({ UserID }) => UserID);
  return { ...sandbox, clock, find, ids };
}

test('a search finds nicks that hold a keyword and whole ids, the newest change first, with one keyword or with all', async () => {
  const { ids, world } = await open();
  expect(await ids({ Keywords: ['LI'] })).toEqual(['bo', 'ana']);
  expect(await ids({ Keywords: ['li'] })).toEqual(['li', 'bo', 'ana']);
  expect(await ids({ Keywords: ['ana', 'li'], KeywordMatchType: 1 })).toEqual(['ana']);
  world.setProfile('ana', { Tag_Profile_IM_Level: 7 });
  expect(await ids({ Keywords: ['li'] })).toEqual(['ana', 'li', 'bo']);
});

test('pages go on by the cursor until they are finished, with standard fields alone', async () => {
  const { find, world } = await open();
  world.setProfile('li', { Tag_Profile_IM_Level: 7 });
  const first = await find({ Keywords: ['li'], Count: 2 });
  expect(first).toMatchObject({ IsFinish: false, TotalCount: 3 });
  expect(first.Users[0]).toEqual({
    UserID: 'li',
    ProfileItems: [
      { Tag: 'Tag_Profile_IM_Nick', StrValue: 'Cy' },
      { Tag: 'Tag_Profile_IM_Level', IntValue: 7 },
    ],
  });
  const second = await find({ Keywords: ['li'], Count: 2, Cursor: first.Cursor });
  expect(second).toMatchObject({ IsFinish: true, Cursor: '', Users: [{ UserID: 'ana' }] });
});

test('it can be behind, and takes two calls a second', async () => {
  const { ids, faults } = await open();
  faults.set({ searchLag: { ms: 1500 } });
  expect(await ids({ Keywords: ['li'] })).toEqual(['bo', 'ana']);
  const { call } = await startSandbox();
  const codes = [];
  for (let n = 0; n < 3; n++) codes.push((await call('search', { Keywords: ['a'], Count: 1 })).ErrorCode);
  expect(codes).toEqual([0, 0, 60007]);
});
