import { describe, expect, test } from 'vitest';
import { START_MS, startSandbox } from './start-sandbox.ts';

const many = (count: number, prefix = 'x') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const targets = (ids: string[]) => ids.map((id) => ({ To_Account: id }));

async function withPeople(...ids: string[]) {
  const sandbox = await startSandbox();
  for (const id of ids) sandbox.world.importAccount(id);
  return sandbox;
}

describe('follow_add', () => {
  test('answers per target in request order, once per distinct id, and writes the good ones', async () => {
    const { call, world } = await withPeople('ana', 'bo', 'cy');
    const FollowItem = targets(['bo', 'nobody', 'ana', 'bo', 'cy']);
    expect(await call('follow_add', { From_Account: 'ana', FollowItem })).toEqual({
      ActionStatus: 'OK',
      ErrorCode: 0,
      ErrorInfo: '',
      ErrorDisplay: '',
      ResultItem: [
        { To_Account: 'bo', ResultCode: 0, ResultInfo: '' },
        { To_Account: 'nobody', ResultCode: 30003, ResultInfo: 'account not imported' },
        { To_Account: 'ana', ResultCode: 30001, ResultInfo: 'From_Account cannot follow itself' },
        { To_Account: 'cy', ResultCode: 0, ResultInfo: '' },
      ],
    });
    expect(world.list('ana', 'follows')).toEqual([
      { id: 'bo', time: START_MS / 1000 },
      { id: 'cy', time: START_MS / 1000 },
    ]);
  });

  test('a repeated follow succeeds and keeps its time', async () => {
    const { call, world } = await withPeople('ana', 'bo');
    world.follow('ana', 'bo', 123);
    const answer = await call('follow_add', { From_Account: 'ana', FollowItem: targets(['bo']) });
    expect(answer.ResultItem).toMatchObject([{ ResultCode: 0 }]);
    expect(world.followTime('ana', 'bo')).toBe(123);
  });

  test('takes 20 targets and refuses 21 with nothing written', async () => {
    const { call, world } = await withPeople('ana', ...many(21));
    const add = (count: number) => call('follow_add', { From_Account: 'ana', FollowItem: targets(many(count)) });
    expect(await add(21)).toMatchObject({ ActionStatus: 'FAIL', ErrorCode: 30001 });
    expect(world.counts('ana').follows).toBe(0);
    expect((await add(20)).ResultItem).toHaveLength(20);
    expect(world.counts('ana').follows).toBe(20);
  });

  test.each([
    ['follows', 32100],
    ['fans', 32101],
    ['mutuals', 32102],
  ])('a full list of %s fails the item with %i', async (list, code) => {
    const { call, world } = await startSandbox({ listLimits: { [list]: 1 } });
    for (const id of ['ana', 'bo', 'cy']) world.importAccount(id);
    world.follow('ana', 'cy');
    world.follow('cy', 'ana');
    world.follow('bo', 'ana');
    if (list === 'fans') world.follow('cy', 'bo');
    const answer = await call('follow_add', { From_Account: 'ana', FollowItem: targets(['bo', 'cy']) });
    expect(answer.ResultItem.map((item) => item.ResultCode)).toEqual([code, 0]);
  });

  test('a target whose mutual list is full fails with 32103', async () => {
    const { call, world } = await startSandbox({ listLimits: { mutuals: 1 } });
    for (const id of ['ana', 'bo', 'cy']) world.importAccount(id);
    for (const [from, to] of [
      ['bo', 'cy'],
      ['cy', 'bo'],
      ['bo', 'ana'],
    ] as const)
      world.follow(from, to);
    const answer = await call('follow_add', { From_Account: 'ana', FollowItem: targets(['bo']) });
    expect(answer.ResultItem).toMatchObject([{ ResultCode: 32103 }]);
  });
});

describe('follow_delete', () => {
  test('takes strings, and unfollowing somebody not followed succeeds', async () => {
    const { call, world } = await withPeople('ana', 'bo', 'cy');
    world.follow('ana', 'bo');
    const answer = await call('follow_delete', { From_Account: 'ana', To_Account: ['bo', 'cy', 'nobody'] });
    expect(answer.ResultItem.map((item) => item.ResultCode)).toEqual([0, 0, 30003]);
    expect(world.counts('bo').fans).toBe(0);
  });

  test.each([
    ['no targets', []],
    ['objects', targets(['bo'])],
    ['21 targets', many(21)],
  ])('%s are refused', async (_, To_Account) => {
    const { call } = await withPeople('ana', 'bo');
    expect((await call('follow_delete', { From_Account: 'ana', To_Account })).ErrorCode).not.toBe(0);
  });
});

describe('follow_check', () => {
  test('numbers relations from the point of view of From_Account', async () => {
    const { call, world } = await withPeople('ana', 'none', 'fan', 'followed', 'mutual');
    world.follow('fan', 'ana');
    world.follow('ana', 'followed');
    world.follow('ana', 'mutual');
    world.follow('mutual', 'ana');
    const To_Account = ['none', 'fan', 'followed', 'mutual', 'ana', 'nobody'];
    const { ResultItem } = await call('follow_check', { From_Account: 'ana', To_Account });
    expect(ResultItem.map((item) => item.FollowType)).toEqual([0, 1, 2, 3, 0, undefined]);
    expect(ResultItem.at(-1)).toMatchObject({ To_Account: 'nobody', ResultCode: 30003 });
  });

  test('takes 100 and refuses 101', async () => {
    const { call } = await withPeople('ana');
    expect((await call('follow_check', { From_Account: 'ana', To_Account: many(101) })).ErrorCode).toBe(30001);
    expect((await call('follow_check', { From_Account: 'ana', To_Account: many(100) })).ResultItem).toHaveLength(100);
  });
});

describe('follow_get_info', () => {
  test('counts all three lists, zeros on a failed item', async () => {
    const { call, world } = await withPeople('ana', 'bo', 'cy');
    world.follow('ana', 'bo');
    world.follow('bo', 'ana');
    world.follow('cy', 'ana');
    const { FollowInfo } = await call('follow_get_info', { From_Account: 'bo', To_Account: ['ana', 'nobody'] });
    expect(FollowInfo).toEqual([
      {
        To_Account: 'ana',
        ResultCode: 0,
        ResultInfo: '',
        FollowerCount: 2,
        FollowingCount: 1,
        MutualFollowingCount: 1,
      },
      {
        To_Account: 'nobody',
        ResultCode: 30003,
        ResultInfo: 'account not imported',
        FollowerCount: 0,
        FollowingCount: 0,
        MutualFollowingCount: 0,
      },
    ]);
  });

  test('takes 20 and refuses 21, and needs a From_Account that exists', async () => {
    const { call } = await withPeople('ana');
    const codeOf = async (count: number, From_Account?: string) =>
      (await call('follow_get_info', { From_Account, To_Account: many(count) })).ErrorCode;
    expect(await codeOf(20, 'ana')).toBe(0);
    expect(await codeOf(21, 'ana')).toBe(30001);
    expect(await codeOf(1)).toBe(30001);
    expect(await codeOf(1, 'nobody')).toBe(30003);
  });
});

describe('portrait_get', () => {
  const TagList = ['Tag_Profile_Custom_Team', 'Tag_Profile_IM_Nick', 'Tag_Profile_IM_Level'];

  test('answers the tags that are set, and lists failed users', async () => {
    const { call, world } = await withPeople('ana');
    world.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana', Tag_Profile_IM_Role: 2, Tag_Profile_Custom_Team: 'red' });
    expect(await call('portrait_get', { To_Account: ['ana', 'nobody'], TagList })).toEqual({
      ActionStatus: 'OK',
      ErrorCode: 0,
      ErrorInfo: '',
      ErrorDisplay: '',
      UserProfileItem: [
        {
          To_Account: 'ana',
          ResultCode: 0,
          ResultInfo: '',
          ProfileItem: [
            { Tag: 'Tag_Profile_Custom_Team', Value: 'red' },
            { Tag: 'Tag_Profile_IM_Nick', Value: 'Ana' },
          ],
        },
        { To_Account: 'nobody', ResultCode: 40003, ResultInfo: 'account not imported' },
      ],
      Fail_Account: ['nobody'],
    });
    expect(await call('portrait_get', { To_Account: ['ana'], TagList })).not.toHaveProperty('Fail_Account');
  });

  test('an unknown tag fails the whole call and is named', async () => {
    const { call } = await startSandbox({ customFields: ['Team'] });
    const answer = await call('portrait_get', {
      To_Account: ['administrator'],
      TagList: [...TagList, 'Tag_Profile_Custom_Mood'],
    });
    expect(answer).toMatchObject({ ErrorCode: 40009, ErrorInfo: expect.stringContaining('Tag_Profile_Custom_Mood') });
  });

  test.each([
    ['no accounts', 40002, { To_Account: [], TagList }],
    ['no To_Account', 40002, { TagList }],
    ['no TagList', 40001, { To_Account: ['ana'] }],
    ['101 accounts', 40001, { To_Account: many(101), TagList }],
    ['100 accounts', 0, { To_Account: many(100), TagList }],
  ])('%s answers %i', async (_, code, body) => {
    const { call } = await startSandbox();
    expect((await call('portrait_get', body)).ErrorCode).toBe(code);
  });
});

describe('portrait_set', () => {
  const item = (Tag: string, Value: unknown) => ({ Tag, Value });

  test.each([
    ['a nick of 501 bytes in 167 characters', item('Tag_Profile_IM_Nick', '王'.repeat(167)), 40601],
    ['a location of 17 bytes', item('Tag_Profile_IM_Location', 'x'.repeat(17)), 40601],
    ['a custom value of 501 bytes', item('Tag_Profile_Custom_Team', 'x'.repeat(501)), 40601],
    ['an unknown gender', item('Tag_Profile_IM_Gender', 'Gender_Type_Other'), 40605],
    ['a negative level', item('Tag_Profile_IM_Level', -1), 40605],
    ['a level above uint32', item('Tag_Profile_IM_Level', 2 ** 32), 40605],
    ['a level as text', item('Tag_Profile_IM_Level', '3'), 40610],
    ['a number in a custom field', item('Tag_Profile_Custom_Team', 3), 40610],
    ['an unknown tag', item('Tag_Profile_IM_Shoe', 'x'), 40009],
    ['an entry without Value', { Tag: 'Tag_Profile_IM_Nick' }, 40001],
  ])('%s is refused, and nothing of the request is written', async (_, bad, code) => {
    const { call, world } = await withPeople('ana');
    const ProfileItem = [item('Tag_Profile_IM_Role', 1), bad];
    expect((await call('portrait_set', { From_Account: 'ana', ProfileItem })).ErrorCode).toBe(code);
    expect(world.profile('ana')).toEqual({ items: [], sequence: 0 });
  });

  test('writes every tag and makes a new version', async () => {
    const { call, world } = await withPeople('ana');
    const ProfileItem = [item('Tag_Profile_IM_Nick', 'Ana'), item('Tag_Profile_IM_Level', 0)];
    expect(await call('portrait_set', { From_Account: 'ana', ProfileItem })).toEqual({
      ActionStatus: 'OK',
      ErrorCode: 0,
      ErrorInfo: '',
      ErrorDisplay: '',
    });
    expect(world.profile('ana')).toEqual({ items: ProfileItem, sequence: 1 });
    expect((await call('portrait_set', { From_Account: 'nobody', ProfileItem })).ErrorCode).toBe(40003);
  });
});

test('account_check tells who is imported; a missing account is no failure', async () => {
  const { call } = await withPeople('ana');
  const check = (ids: unknown[]) => call('account_check', { CheckItem: ids.map((UserID) => ({ UserID })) });
  expect(await check(['ana', 'nobody'])).toEqual({
    ActionStatus: 'OK',
    ErrorCode: 0,
    ErrorInfo: '',
    ResultItem: [
      { UserID: 'ana', ResultCode: 0, ResultInfo: '', AccountStatus: 'Imported' },
      { UserID: 'nobody', ResultCode: 0, ResultInfo: '', AccountStatus: 'NotImported' },
    ],
  });
  expect((await check(many(100))).ResultItem).toHaveLength(100);
  expect((await check(many(101))).ErrorCode).toBe(70402);
  expect((await check([])).ErrorCode).toBe(70402);
  expect((await check([7])).ErrorCode).toBe(60015);
});

describe('query_online_status', () => {
  test('answers Status, details on request, and unknown ids apart', async () => {
    const { call, world } = await withPeople('ana', 'bo');
    const Detail = [{ Platform: 'Web', Status: 'Online' }];
    world.setPresence('ana', { Status: 'Online', Detail });
    const To_Account = ['ana', 'bo', 'nobody'];
    expect(await call('query_online_status', { To_Account, IsNeedDetail: 1 })).toEqual({
      ActionStatus: 'OK',
      ErrorCode: 0,
      ErrorInfo: '',
      QueryResult: [
        { To_Account: 'ana', Status: 'Online', Detail },
        { To_Account: 'bo', Status: 'Offline' },
      ],
      ErrorList: [{ To_Account: 'nobody', ErrorCode: 70107 }],
    });
    expect((await call('query_online_status', { To_Account })).QueryResult[0]).toEqual({
      To_Account: 'ana',
      Status: 'Online',
    });
  });

  test.each([
    ['500 accounts', 0, many(500)],
    ['501 accounts', 90011, many(501)],
    ['no accounts', 90001, []],
    ['no To_Account', 90003, undefined],
  ])('%s answers %i', async (_, code, To_Account) => {
    const { call } = await startSandbox();
    expect((await call('query_online_status', { To_Account })).ErrorCode).toBe(code);
  });
});
