// What each command answers and writes, item by item.
import { expect, test } from 'vitest';
import type { Command } from '../../src/tencent/wire.ts';
import { firstPage, START_MS, startSandbox } from './start-sandbox.ts';

const OK = { ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '' };
const done = (To_Account: string) => ({ To_Account, ResultCode: 0, ResultInfo: '' });
const unknown = (To_Account: string, ResultCode = 30003) => ({
  To_Account,
  ResultCode,
  ResultInfo: 'account not imported',
});
const single = { CheckType: 'BlackCheckResult_Type_Single' };
const item = (key: string, Value: unknown) => ({ Tag: `Tag_Profile_IM_${key}`, Value });
const many = (count: number) => Array.from({ length: count }, (_, index) => `x${index}`);
const targets = (ids: string[]) => ids.map((id) => ({ To_Account: id }));
const FANS = firstPage('ana');
const TagList = ['Tag_Profile_Custom_Team', 'Tag_Profile_IM_Nick', 'Tag_Profile_IM_Level'];

async function withPeople(...ids: string[]) {
  const sandbox = await startSandbox();
  for (const id of ids) sandbox.world.importAccount(id);
  return sandbox;
}

test.each<[Command, number, number, (ids: string[]) => object]>([
  ['follow_add', 20, 30001, (ids) => ({ From_Account: 'ana', FollowItem: targets(ids) })],
  ['follow_delete', 20, 30001, (ids) => ({ From_Account: 'ana', To_Account: ids })],
  ['follow_check', 100, 30001, (ids) => ({ From_Account: 'ana', To_Account: ids })],
  ['follow_get_info', 20, 30001, (ids) => ({ From_Account: 'ana', To_Account: ids })],
  ['portrait_get', 100, 40001, (ids) => ({ To_Account: ids, TagList })],
  ['black_list_add', 1000, 30001, (ids) => ({ From_Account: 'ana', To_Account: ids })],
  ['black_list_delete', 1000, 30001, (ids) => ({ From_Account: 'ana', To_Account: ids })],
  ['black_list_check', 1000, 30001, (ids) => ({ ...single, From_Account: 'ana', To_Account: ids })],
  ['query_online_status', 500, 90011, (ids) => ({ To_Account: ids })],
  ['account_check', 100, 70402, (ids) => ({ CheckItem: ids.map((UserID) => ({ UserID })) })],
  ['multiaccount_import', 100, 70402, (ids) => ({ AccountList: ids.map((UserID) => ({ UserID })) })],
])('%s takes %i accounts, and refuses one more with %i and nothing done', async (command, max, code, bodyOf) => {
  const { call, world } = await withPeople('ana', ...many(max + 1));
  expect(await call(command, bodyOf(many(max + 1)))).toMatchObject({ ActionStatus: 'FAIL', ErrorCode: code });
  expect(world.counts('ana').follows).toBe(0);
  expect(await call(command, bodyOf(many(max)))).toMatchObject(OK);
  expect(world.counts('ana').follows).toBe(command === 'follow_add' ? max : 0);
});

test.each<[string, Command, number, object]>([
  ['no From_Account', 'follow_get', 30001, { ...FANS, From_Account: undefined }],
  ['FollowType 0', 'follow_get', 30001, { ...FANS, FollowType: 0 }],
  ['FollowType 4', 'follow_get', 30001, { ...FANS, FollowType: 4 }],
  ['FollowType as text', 'follow_get', 30001, { ...FANS, FollowType: '1' }],
  ['no StartCursor', 'follow_get', 30001, { ...FANS, StartCursor: undefined }],
  ['a negative WantNum', 'follow_get', 30001, { ...FANS, WantNum: -1 }],
  ['a fraction as WantNum', 'follow_get', 30001, { ...FANS, WantNum: 1.5 }],
  ['WantNum over 1000', 'follow_get', 30001, { ...FANS, WantNum: 1001 }],
  ['an unknown From_Account', 'follow_get', 30003, firstPage('nobody')],
  ['no keywords', 'search', 30001, { Keywords: [], Count: 1 }],
  ['six keywords', 'search', 30001, { Keywords: [...'abcdef'], Count: 1 }],
  ['no count', 'search', 30001, { Keywords: ['a'] }],
  ['a cursor that is none', 'search', 30001, { Keywords: ['a'], Count: 1, Cursor: 'x' }],
  ['no targets', 'follow_delete', 30001, { From_Account: 'ana', To_Account: [] }],
  ['objects for strings', 'follow_delete', 60015, { From_Account: 'ana', To_Account: targets(['bo']) }],
  ['no From_Account', 'follow_get_info', 30001, { To_Account: ['ana'] }],
  ['an unknown From_Account', 'follow_get_info', 30003, { From_Account: 'nobody', To_Account: ['ana'] }],
  ['no accounts', 'portrait_get', 40002, { To_Account: [], TagList }],
  ['no To_Account', 'portrait_get', 40002, { TagList }],
  ['no TagList', 'portrait_get', 40001, { To_Account: ['ana'] }],
  ['an unknown From_Account', 'black_list_add', 30003, { From_Account: 'nobody', To_Account: ['bo'] }],
  ['an unknown From_Account', 'black_list_get', 30003, { From_Account: 'nobody', StartIndex: 0, MaxLimited: 10 }],
  ['no MaxLimited', 'black_list_get', 30001, { From_Account: 'nobody', StartIndex: 0 }],
  ['no CheckType', 'black_list_check', 30001, { From_Account: 'ana', To_Account: ['bo'] }],
  ['no To_Account', 'query_online_status', 90003, {}],
  ['nobody', 'query_online_status', 90001, { To_Account: [] }],
  ['no JSON object', 'query_online_status', 90001, []],
  ['no ProfileItem', 'portrait_set', 40001, { From_Account: 'nobody' }],
  [
    'a tag that the app lacks',
    'portrait_set',
    40009,
    { From_Account: 'nobody', ProfileItem: [{ Tag: 'x', Value: 1 }] },
  ],
  ['a number as nick', 'portrait_set', 40610, { From_Account: 'ana', ProfileItem: [item('Nick', 7)] }],
  ['an unknown account', 'portrait_set', 40003, { From_Account: 'nobody', ProfileItem: [item('Nick', 'a')] }],
  ['no such gender', 'portrait_set', 40605, { From_Account: 'ana', ProfileItem: [item('Gender', 'Male')] }],
  ['501 bytes', 'portrait_set', 40601, { From_Account: 'ana', ProfileItem: [item('Nick', `${'é'.repeat(250)}a`)] }],
  ['a long place', 'portrait_set', 40601, { From_Account: 'ana', ProfileItem: [item('Location', 'a'.repeat(17))] }],
  ['no accounts', 'account_check', 70402, { CheckItem: [] }],
  ['a number as UserID', 'account_check', 60015, { CheckItem: [{ UserID: 7 }] }],
  ['a number as UserID', 'multiaccount_import', 60015, { AccountList: [{ UserID: 7 }] }],
])('with %s, %s is refused with %i', async (_, command, code, body) => {
  const { call } = await withPeople('ana', 'bo');
  expect(await call(command, body)).toMatchObject({ ActionStatus: 'FAIL', ErrorCode: code });
});

test('follow_add answers per target in request order, once per distinct id, and writes the good ones', async () => {
  const { call, world } = await withPeople('ana', 'bo', 'cy');
  const FollowItem = targets(['bo', 'nobody', 'ana', 'bo', 'cy']);
  expect(await call('follow_add', { From_Account: 'ana', FollowItem })).toEqual({
    ...OK,
    ErrorDisplay: '',
    ResultItem: [
      done('bo'),
      unknown('nobody'),
      { To_Account: 'ana', ResultCode: 30001, ResultInfo: 'From_Account cannot follow itself' },
      done('cy'),
    ],
  });
  const time = START_MS / 1000;
  expect(world.list('ana', 'follows')).toEqual(['bo', 'cy'].map((id) => ({ id, time })));
});

test('follow_delete takes strings, and unfollowing somebody not followed succeeds', async () => {
  const { call, world } = await withPeople('ana', 'bo', 'cy');
  world.follow('ana', 'bo');
  const answer = await call('follow_delete', { From_Account: 'ana', To_Account: ['bo', 'cy', 'nobody'] });
  expect(answer.ResultItem).toEqual([done('bo'), done('cy'), unknown('nobody')]);
  expect(world.counts('bo').fans).toBe(0);
});

test('follow_check numbers relations from the point of view of From_Account', async () => {
  const { call, world } = await withPeople('ana', 'none', 'fan', 'followed', 'mutual');
  world.follow('fan', 'ana');
  world.follow('ana', 'followed');
  world.follow('ana', 'mutual');
  world.follow('mutual', 'ana');
  const To_Account = ['none', 'fan', 'followed', 'mutual', 'ana', 'nobody'];
  const { ResultItem } = await call('follow_check', { From_Account: 'ana', To_Account });
  expect(ResultItem.map((item) => item.FollowType)).toEqual([0, 1, 2, 3, 0, undefined]);
  expect(ResultItem.at(-1)).toEqual(unknown('nobody'));
});

test('follow_get_info counts all three lists, zeros on a failed item', async () => {
  const { call, world } = await withPeople('ana', 'bo', 'cy');
  world.follow('ana', 'bo');
  world.follow('bo', 'ana');
  world.follow('cy', 'ana');
  const { FollowInfo } = await call('follow_get_info', { From_Account: 'bo', To_Account: ['ana', 'nobody'] });
  expect(FollowInfo).toEqual([
    { ...done('ana'), FollowerCount: 2, FollowingCount: 1, MutualFollowingCount: 1 },
    { ...unknown('nobody'), FollowerCount: 0, FollowingCount: 0, MutualFollowingCount: 0 },
  ]);
});

test('portrait_get answers the tags that are set, and lists failed users', async () => {
  const { call, world } = await withPeople('ana');
  world.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana', Tag_Profile_IM_Role: 2, Tag_Profile_Custom_Team: 'red' });
  const ProfileItem = [{ Tag: 'Tag_Profile_Custom_Team', Value: 'red' }, item('Nick', 'Ana')];
  const found = { ...OK, ErrorDisplay: '', UserProfileItem: [{ ...done('ana'), ProfileItem }] };
  expect(await call('portrait_get', { To_Account: ['ana'], TagList })).toEqual(found);
  expect(await call('portrait_get', { To_Account: ['ana', 'nobody'], TagList })).toEqual({
    ...found,
    UserProfileItem: [...found.UserProfileItem, unknown('nobody', 40003)],
    Fail_Account: ['nobody'],
  });
});

test('blocklists answer per target, name who failed, keep their newest first, and tell who blocks whom', async () => {
  const { call, world, webhooks, ...sandbox } = await withPeople('ana', 'bo', 'cy', 'di');
  world.setBlocked('di', 'ana', true);
  const blocked = (ids: string[]) => call('black_list_add', { From_Account: 'ana', To_Account: ids });
  expect(await blocked(['bo', 'nobody', 'di'])).toEqual({
    ...{ ...OK, ErrorDisplay: '', Fail_Account: ['nobody'] },
    ResultItem: [done('bo'), unknown('nobody'), done('di')],
  });
  expect((await blocked(['bo', 'cy'])).ResultItem).toEqual([
    { To_Account: 'bo', ResultCode: 30001, ResultInfo: 'Err_SNS_BlackListAdd_Already_Exist' },
    done('cy'),
  ]);
  sandbox.faults.set({ blockedAgainOk: true });
  expect((await blocked(['bo'])).ResultItem).toEqual([done('bo')]);
  const page = (StartIndex: number) => call('black_list_get', { From_Account: 'ana', StartIndex, MaxLimited: 2 });
  const entry = (To_Account: string) => ({ To_Account, AddBlackTimeStamp: START_MS / 1000 });
  const first = { BlackListItem: [entry('cy'), entry('di')], StartIndex: 2, CurruentSequence: 1 };
  expect(await page(0)).toMatchObject(first);
  expect(await page(2)).toMatchObject({ BlackListItem: [entry('bo')], StartIndex: 0 });
  const check = async (type: string) => {
    const asked = { From_Account: 'ana', To_Account: ['bo', 'di'], CheckType: `BlackCheckResult_Type_${type}` };
    const { BlackListCheckItem } = await call('black_list_check', asked);
    return BlackListCheckItem.map(({ Relation }) => Relation?.slice('BlackCheckResult_Type_'.length));
  };
  expect(await check('Single')).toEqual(['AWithB', 'AWithB']);
  expect(await check('Both')).toEqual(['AWithB', 'BothWay']);
  await call('black_list_delete', { From_Account: 'ana', To_Account: ['bo', 'di'] });
  expect(await check('Both')).toEqual(['NO', 'BWithA']);
});

test('blocklists hold a thousand', async () => {
  const { call, world } = await withPeople('ana', 'bo', ...many(1000));
  const block = (ids: string[]) => call('black_list_add', { From_Account: 'ana', To_Account: ids });
  expect((await block(many(1000))).Fail_Account).toBeUndefined();
  expect(await block(['bo'])).toMatchObject({
    ...{ ...OK, Fail_Account: ['bo'] },
    ResultItem: [{ ResultCode: 30013 }],
  });
  expect(world.hasBlocked('ana', 'bo')).toBe(false);
});

test('query_online_status tells the best status, devices only when asked, and unknown accounts apart', async () => {
  const { call, act } = await withPeople('ana', 'bo');
  act.connect('ana', 'iPhone', 'disconnect');
  act.connect('ana', 'Web');
  const ask = (IsNeedDetail: number) =>
    call('query_online_status', { To_Account: ['ana', 'bo', 'nobody'], IsNeedDetail });
  const Detail = [
    { Platform: 'iPhone', Status: 'PushOnline' },
    { Platform: 'Web', Status: 'Online' },
  ];
  const ErrorList = [{ To_Account: 'nobody', ErrorCode: 70107 }];
  const bo = { To_Account: 'bo', Status: 'Offline' };
  const ana = { To_Account: 'ana', Status: 'Online' };
  expect(await ask(0)).toEqual({ ...OK, QueryResult: [ana, bo], ErrorList });
  expect(await ask(1)).toEqual({ ...OK, QueryResult: [{ ...ana, Detail }, bo], ErrorList });
  act.connect('ana', 'Web', 'logout');
  expect((await ask(0)).QueryResult[0]).toEqual({ To_Account: 'ana', Status: 'PushOnline' });
});
