import { describe, expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { firstPage, manualClock, startSandbox } from './start-sandbox.ts';

const ADD = { From_Account: 'ana', FollowItem: [{ To_Account: 'bo' }, { To_Account: 'cy' }] };

async function withFans(faults: FaultPatch = {}) {
  const sandbox = await startSandbox();
  for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
  sandbox.world.addFans('ana', 4);
  sandbox.faults.set(faults);
  return sandbox;
}

describe('the connection', () => {
  test('latency holds the answer back, not the write', async () => {
    const { post, world, calls } = await withFans({ latency: { ms: 600_000 } });
    const hangUp = new AbortController();
    const answer = post('follow_add', ADD, hangUp.signal);
    await expect.poll(() => calls.outcome('follow_add', 0)).toBe(1);
    expect(world.counts('ana').follows).toBe(2);
    hangUp.abort();
    await expect(answer).rejects.toThrow();
  });

  test('a little latency ends in the whole answer', async () => {
    const { call } = await withFans({ latency: { ms: 5, commands: ['follow_get'] } });
    expect((await call('follow_get', firstPage('ana'))).FollowItem).toHaveLength(4);
  });

  test('latency of each n-th call alone is a tail that delays no other call', async () => {
    const { post, call } = await withFans({ latency: { ms: 600_000, every: 10, commands: ['follow_get'] } });
    for (let n = 1; n < 10; n += 1) await call('follow_get', firstPage('ana'));
    const hangUp = new AbortController();
    const tenth = post('follow_get', firstPage('ana'), hangUp.signal);
    expect(await call('follow_get_info', { From_Account: 'ana', To_Account: ['ana'] })).toMatchObject({ ErrorCode: 0 });
    hangUp.abort();
    await expect(tenth).rejects.toThrow();
  });

  test('silence never answers, and closing the sandbox ends the wait', async () => {
    const { post, calls, world, close } = await withFans({ silence: true });
    const answer = post('follow_add', ADD);
    await expect.poll(() => calls.outcome('follow_add', 'silence')).toBe(1);
    expect(world.counts('ana').follows).toBe(0);
    await Promise.all([expect(answer).rejects.toThrow(), close()]);
  });

  test('reset drops the connection before anything is written', async () => {
    const { post, world, calls } = await withFans({ reset: { times: 1 } });
    await expect(post('follow_add', ADD)).rejects.toThrow();
    expect(world.counts('ana').follows).toBe(0);
    expect(calls.outcome('follow_add', 'reset')).toBe(1);
    expect((await post('follow_add', ADD)).status).toBe(200);
  });

  test('answerLost writes first', async () => {
    const { post, world, calls } = await withFans({ answerLost: { times: 1 } });
    await expect(post('follow_add', ADD)).rejects.toThrow();
    expect(world.counts('ana').follows).toBe(2);
    expect(calls.outcome('follow_add', 'lost')).toBe(1);
  });

  test('httpError is a 502 page, or what one asks for', async () => {
    const { post, faults } = await withFans({ httpError: true });
    const page = await post('follow_get', firstPage('ana'));
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(await page.text()).toContain('<h1>502 Bad Gateway</h1>');
    faults.set({ httpError: { status: 404, body: 'gone' } });
    const other = await post('follow_get', firstPage('ana'));
    expect([other.status, await other.text()]).toEqual([404, 'gone']);
  });

  test('truncatedJson is a complete HTTP answer that does not parse', async () => {
    const { post } = await withFans({ truncatedJson: true });
    const answer = await post('follow_get', firstPage('ana'));
    expect(answer.status).toBe(200);
    await expect(answer.json()).rejects.toThrow(SyntaxError);
  });
});

describe('the verdict', () => {
  test('any code can be had, for some commands, for a while, for each n-th call', async () => {
    const { call, faults } = await withFans();
    const codes = async (calls: number) => {
      const seen: number[] = [];
      for (let n = 0; n < calls; n += 1) seen.push((await call('follow_get', firstPage('ana'))).ErrorCode);
      return seen;
    };
    faults.set({ error: { code: 60007, times: 3 } });
    expect(await codes(4)).toEqual([60007, 60007, 60007, 0]);
    faults.set({ error: { code: 30006, every: 2 } });
    expect(await codes(4)).toEqual([0, 30006, 0, 30006]);
    faults.set({ error: { code: 30007, every: 3, times: 1 } });
    expect(await codes(6)).toEqual([0, 0, 30007, 0, 0, 0]);
    faults.set({ error: { code: 30007, commands: ['follow_add'] } });
    expect(await codes(1)).toEqual([0]);
    faults.set({
      error: [
        { code: 1, times: 1 },
        { code: 2, times: 2 },
      ],
    });
    expect(await codes(4)).toEqual([1, 2, 2, 0]);
    faults.set({ error: null });
    expect(await codes(1)).toEqual([0]);
  });

  test('an error comes with its text, and nothing is written', async () => {
    const { call, faults, world } = await withFans({ error: { code: 30006 } });
    expect(await call('follow_add', ADD)).toEqual({
      ActionStatus: 'FAIL',
      ErrorCode: 30006,
      ErrorInfo: 'error 30006 of the sandbox',
      ErrorDisplay: '',
    });
    faults.set({ error: { code: 39001, info: 'own words' } });
    expect(await call('follow_add', ADD)).toMatchObject({ ErrorCode: 39001, ErrorInfo: 'own words' });
    expect(world.counts('ana').follows).toBe(0);
  });

  test.each([
    [{ expiredUserSig: { times: 1 } }, 70001],
    [{ wrongRegion: { times: 1 } }, 60026],
    [{ featureOff: { times: 1 } }, 30005],
  ] satisfies [FaultPatch, number][])('%j answers %i once', async (faults, code) => {
    const { call } = await withFans(faults);
    expect((await call('follow_get', firstPage('ana'))).ErrorCode).toBe(code);
    expect((await call('follow_get', firstPage('ana'))).ErrorCode).toBe(0);
  });

  test('featureOff leaves profiles alone', async () => {
    const { call } = await withFans({ featureOff: true });
    expect((await call('portrait_get', { To_Account: ['ana'], TagList: ['Tag_Profile_IM_Nick'] })).ErrorCode).toBe(0);
  });

  test('itemFailure fails chosen ids in every batch and writes nothing for them', async () => {
    const { call, world } = await withFans({ itemFailure: { ids: ['bo'], code: 32101 } });
    const both = ['bo', 'cy'];
    const added = await call('follow_add', ADD);
    expect(added).toMatchObject({ ErrorCode: 0, ResultItem: [{ ResultCode: 32101 }, { ResultCode: 0 }] });
    expect(world.list('ana', 'follows').map(({ id }) => id)).toEqual(['cy']);
    const checked = await call('follow_check', { From_Account: 'ana', To_Account: both });
    expect(checked.ResultItem).toMatchObject([{ ResultCode: 32101 }, { FollowType: 2 }]);
    const counted = await call('follow_get_info', { From_Account: 'ana', To_Account: both });
    expect(counted.FollowInfo).toMatchObject([{ ResultCode: 32101 }, { FollowerCount: 1 }]);
    const portraits = await call('portrait_get', { To_Account: both, TagList: ['Tag_Profile_IM_Nick'] });
    expect(portraits).toMatchObject({ ErrorCode: 0, Fail_Account: ['bo'] });
    const deleted = await call('follow_delete', { From_Account: 'ana', To_Account: both });
    expect(deleted.ResultItem).toMatchObject([{ ResultCode: 32101 }, { ResultCode: 0 }]);
  });

  test('unknownFailsAll makes one unknown account fail the whole portrait_get', async () => {
    const { call } = await withFans({ unknownFailsAll: true });
    const read = (To_Account: string[]) => call('portrait_get', { To_Account, TagList: ['Tag_Profile_IM_Nick'] });
    expect(await read(['ana', 'nobody'])).toMatchObject({ ActionStatus: 'FAIL', ErrorCode: 40003 });
    expect(await read(['ana', 'bo'])).toMatchObject({ ErrorCode: 0 });
  });
});

describe('pages', () => {
  test('shortPages holds fewer than wanted though more follow', async () => {
    const { pages, faults } = await withFans({ shortPages: true });
    expect((await pages('ana', 1, 4)).map((page) => page.length)).toEqual([2, 2]);
    faults.set({ shortPages: { keep: 1 } });
    expect((await pages('ana', 1, 4)).map((page) => page.length)).toEqual([1, 1, 1, 1]);
  });

  test('extraEmptyPage promises a page that is empty, on which FollowItem may be missing', async () => {
    const { pages, call, faults } = await withFans({ extraEmptyPage: true });
    expect((await pages('ana', 1, 4)).map((page) => page.length)).toEqual([4, 0]);
    faults.set({ missingFollowItem: true });
    const { NextCursor } = await call('follow_get', firstPage('ana', 4));
    const last = await call('follow_get', { ...firstPage('ana', 4), StartCursor: NextCursor });
    expect(last).toMatchObject({ ErrorCode: 0, NextCursor: '' });
    expect(last).not.toHaveProperty('FollowItem');
  });

  test('stuckCursor never gets on', async () => {
    const { pages } = await withFans({ stuckCursor: true });
    const read = await pages('ana', 1, 2);
    expect(read).toHaveLength(50);
    expect(read[49]).toEqual(read[1]);
  });

  test('endlessPages is empty and names another cursor each time', async () => {
    const { pages, call } = await withFans({ endlessPages: true });
    expect((await pages('ana', 1, 4)).flat()).toEqual([]);
    const [one, two] = [await call('follow_get', firstPage('ana')), await call('follow_get', firstPage('ana'))];
    expect(one.NextCursor).not.toBe(two.NextCursor);
  });

  test('duplicates repeats a member in its page', async () => {
    const { pages } = await withFans({ duplicates: true });
    const [page = []] = await pages('ana', 1, 4);
    expect(page.map((item) => item.To_Account)).toEqual([
      'crowd_000004',
      'crowd_000003',
      'crowd_000002',
      'crowd_000001',
      'crowd_000004',
    ]);
  });

  test('missingProfileItem strips lists and portraits', async () => {
    const { call } = await withFans({ missingProfileItem: true });
    expect((await call('follow_get', firstPage('ana', 1))).FollowItem).toEqual([
      { To_Account: 'crowd_000004', FollowTime: 1_600_000_003 },
    ]);
    const portraits = await call('portrait_get', { To_Account: ['ana'], TagList: ['Tag_Profile_IM_Nick'] });
    expect(portraits.UserProfileItem).toEqual([{ To_Account: 'ana', ResultCode: 0, ResultInfo: '' }]);
  });
});

describe('the shape of an answer', () => {
  test('unknownFields adds to the envelope and to every entry', async () => {
    const { call } = await withFans({ unknownFields: true });
    expect(await call('follow_get', firstPage('ana', 1))).toMatchObject({
      RequestId: 'sandbox-request',
      Extra_List: [1, 'two', null],
      FollowItem: [{ To_Account: 'crowd_000004', Extra_Field: { Since: 2031 } }],
    });
  });

  test.each([
    ['half an emoji in a nick', '"Crowd 4"', '"a\\ud83d"', 'FollowItem.0.ProfileItem.0.Value', 'a\ud83d'],
    ['a value that is null', '"Crowd 4"', 'null', 'FollowItem.0.ProfileItem.0.Value', null],
    ['a value that is a list', '"Crowd 4"', '[true,{}]', 'FollowItem.0.ProfileItem.0.Value', [true, {}]],
    ['a number beyond all numbers', '"Crowd 4"', '1e400', 'FollowItem.0.ProfileItem.0.Value', Infinity],
    [
      'times in milliseconds',
      '"FollowTime":(\\d+)',
      '"FollowTime":$1000',
      'FollowItem.0.FollowTime',
      1_600_000_003_000,
    ],
    ['an account that is no text', '"To_Account":"crowd_0*(\\d+)"', '"To_Account":$1', 'FollowItem.0.To_Account', 4],
    ['a member that is null', '\\{"To_Account":"crowd_000004".*?"profile_sequence":1\\}', 'null', 'FollowItem.0', null],
    ['a negative counter', '"FollowerCount":4', '"FollowerCount":-1', 'FollowInfo.0.FollowerCount', -1],
    ['a huge counter', '"FollowerCount":4', '"FollowerCount":2147483648', 'FollowInfo.0.FollowerCount', 2 ** 31],
  ])('rewrite makes %s', async (_, pattern, replacement, path, value) => {
    const { call } = await withFans({ rewrite: { pattern, with: replacement } });
    const answer = path.startsWith('FollowInfo')
      ? await call('follow_get_info', { From_Account: 'ana', To_Account: ['ana'] })
      : await call('follow_get', firstPage('ana'));
    expect(answer).toHaveProperty(path, value);
  });

  test('missingErrorCode and missingErrorInfo each leave one field out', async () => {
    const { call } = await withFans({ missingErrorCode: { times: 1 }, missingErrorInfo: true });
    expect(await call('portrait_get', {})).toEqual({ ActionStatus: 'FAIL', ErrorDisplay: '' });
    expect(await call('portrait_get', {})).toEqual({ ActionStatus: 'FAIL', ErrorCode: 40002, ErrorDisplay: '' });
  });
});

describe('lag', () => {
  async function withLag(faults: FaultPatch) {
    const clock = manualClock();
    const sandbox = await startSandbox({ clock });
    for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
    sandbox.world.follow('bo', 'ana', 100);
    sandbox.world.follow('ana', 'bo', 100);
    sandbox.faults.set(faults);
    sandbox.world.unfollow('bo', 'ana');
    sandbox.world.follow('cy', 'ana', 200);
    const fans = async () => (await sandbox.pages('ana', 1, 10)).flat().map((item) => item.To_Account);
    const mutuals = async () => (await sandbox.pages('ana', 3, 10)).flat().map((item) => item.To_Account);
    const relations = async () => {
      const { ResultItem } = await sandbox.call('follow_check', { From_Account: 'ana', To_Account: ['bo', 'cy'] });
      return ResultItem.map((item) => item.FollowType);
    };
    const counts = async () => {
      const { FollowInfo } = await sandbox.call('follow_get_info', { From_Account: 'ana', To_Account: ['ana'] });
      return [FollowInfo[0]?.FollowerCount, FollowInfo[0]?.MutualFollowingCount];
    };
    return { clock, sandbox, fans, mutuals, relations, counts };
  }

  test('on lists and checks leaves counts alone, and ends with time', async () => {
    const { clock, fans, mutuals, relations, counts } = await withLag({ listsLag: { ms: 5000 } });
    expect([await fans(), await mutuals(), await relations()]).toEqual([['bo'], ['bo'], [3, 0]]);
    expect(await counts()).toEqual([1, 0]);
    clock.advance(5000);
    expect([await fans(), await mutuals(), await relations()]).toEqual([['cy'], [], [2, 1]]);
  });

  test('on counts leaves lists alone, and ends with time', async () => {
    const { clock, fans, counts, sandbox } = await withLag({ countsLag: { ms: 5000 } });
    sandbox.world.follow('administrator', 'ana');
    expect(await counts()).toEqual([1, 1]);
    expect(await fans()).toEqual(['administrator', 'cy']);
    clock.advance(4999);
    expect(await counts()).toEqual([1, 1]);
    clock.advance(1);
    expect(await counts()).toEqual([2, 0]);
  });
});

test('a malformed patch is refused with a message that names the bad part, and arms nothing', async () => {
  const { faults } = await withFans();
  const set = (patch: unknown) => () => faults.set(patch as FaultPatch);
  expect(set({ reset: true, thunder: true })).toThrow('Faults: ✖ Unrecognized key: "thunder"');
  expect(set({ latency: {} })).toThrow(/Fault latency: .*expected number, received undefined.*at ms/s);
  expect(set({ latency: { ms: 'long' } })).toThrow(/Fault latency: .*expected number, received string.*at ms/s);
  expect(set({ reset: { every: 0 } })).toThrow(/Fault reset: .*>0.*at every/s);
  expect(set({ reset: { when: 1 } })).toThrow('Fault reset: ✖ Unrecognized key: "when"');
  expect(set({ featureOff: { commands: ['portrait_get'] } })).toThrow(/Fault featureOff: .*at commands/s);
  expect(set({ rewrite: { pattern: '(', with: '' } })).toThrow(/Fault rewrite: .*regular expression.*at pattern/s);
  expect(set('all')).toThrow(/Faults: .*received string/);
  expect(faults.state()).toEqual({});
});
