import { describe, expect, it } from 'vitest';
import { createFollowService, type FollowServiceOptions } from '../../src/tencent/follow-service.ts';
import { fail, failureOf, ok, type Script, startClient } from './scripted-upstream.ts';

async function startService(script: Script, options: Partial<FollowServiceOptions> = {}) {
  const rig = await startClient(script);
  return { ...rig, service: createFollowService(rig.client, { onBehalfOf: 'administrator', ...options }) };
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const item = (To_Account: string, more: object = {}) => ({ To_Account, ResultCode: 0, ResultInfo: '', ...more });
const fansOf = { userId: 'UserID_001', list: 'fans', start: '', size: 50 } as const;

describe('a page', () => {
  it.each([
    [5000, 1000],
    [1000, 1000],
    [0, 1],
    [-3, 1],
  ])('of %i is asked for as %i', async (size, wanted) => {
    const { service, callOptions, requests } = await startService(() => ok({ NextCursor: '' }));
    await service.readPage({ ...fansOf, size }, callOptions());
    expect(requests[0]?.body.WantNum).toBe(wanted);
  });

  it('has no profile where the upstream sent none, and a partial one if configured so', async () => {
    const FollowItem = [
      { To_Account: 'a', FollowTime: 1 },
      { To_Account: 'b', FollowTime: 1, ProfileItem: [], profile_sequence: 'x' },
      { To_Account: 'c', FollowTime: 1, ProfileItem: [], profile_sequence: 42 },
    ];
    const options = { embeddedProfile: 'partial' } as const;
    const { service, callOptions } = await startService(() => ok({ FollowItem, NextCursor: '' }), options);
    const { entries } = await service.readPage(fansOf, callOptions());
    expect(entries.map(({ user }) => user.profile)).toMatchObject([
      null,
      { whole: false, version: null },
      { whole: false, version: 42 },
    ]);
  });

  it('after a cursor that the upstream refuses is INVALID_CURSOR, the first page is not', async () => {
    const { service, callOptions } = await startService(() => fail(30001));
    expect(await failureOf(service.readPage({ ...fansOf, start: 'forged' }, callOptions()))).toMatchObject({
      code: 'INVALID_CURSOR',
      upstream: { command: 'follow_get', errorCode: 30001, retryable: false },
    });
    expect(await failureOf(service.readPage(fansOf, callOptions()))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it.each([
    ['FollowItem is no list', { FollowItem: {} }],
    ['NextCursor is a number', { NextCursor: 7 }],
  ])('in which %s is UPSTREAM_UNAVAILABLE', async (_what, body) => {
    const { service, callOptions } = await startService(() => ok(body));
    expect(await failureOf(service.readPage(fansOf, callOptions()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      upstream: { command: 'follow_get', retryable: true },
    });
  });
});

describe('relations', () => {
  it.each([4, -1, 1.5, '1', undefined])('with the wire number %j are UPSTREAM_UNAVAILABLE', async (FollowType) => {
    const { service, callOptions } = await startService(() =>
      ok({ ResultItem: [item('a', { FollowType }), item('b', { FollowType: 0 })] }),
    );
    const batch = await service.readRelations('me', ['a', 'b'], callOptions());
    expect(batch.get('a')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(batch.get('b')).toBe('NONE');
  });
});

describe('following and unfollowing', () => {
  const echo: Script = ({ command, body }) => {
    const targets: string[] =
      command === 'follow_add' ? body.FollowItem.map((entry) => entry.To_Account) : body.To_Account;
    return ok({ ResultItem: targets.map((id) => item(id)).reverse() });
  };

  it('sends the chunks of a change in turn, so that they do not get in each other’s way', async () => {
    let underWay = 0;
    const { client, callOptions, requests } = await startClient(echo);
    const service = createFollowService(
      {
        async call(...args) {
          expect(++underWay).toBe(1);
          return client.call(...args).finally(() => underWay--);
        },
      },
      { onBehalfOf: 'administrator' },
    );
    expect((await service.follow('me', ids(61), callOptions())).size).toBe(61);
    expect(requests).toHaveLength(4);
  });

  it.each([
    [30007, true],
    [30006, true],
    [424242, true],
    [60007, false],
    [30008, false],
    [60010, false],
  ])('refused with %i may have happened: %s', async (code, mayHaveHappened) => {
    const { service, callOptions, requests } = await startService(() => fail(code));
    expect((await service.follow('me', ['a'], callOptions())).get('a')).toMatchObject({ mayHaveHappened });
    if (mayHaveHappened) expect(requests).toHaveLength(1);
  });

  it('blames an account that the app does not have on who asks, when it is theirs', async () => {
    const { service, callOptions } = await startService(() => fail(30003));
    const batch = await service.follow('stranger', ['a'], callOptions());
    expect(batch.get('a')).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining('"stranger"') });
  });

  it('answers each account that is asked for and no other, also odd ones, and one that the upstream left out', async () => {
    const { service, callOptions } = await startService(() =>
      ok({ ResultItem: [item('USER'), item('__proto__'), item('constructor', { ResultCode: 30003 })] }),
    );
    const batch = await service.unfollow('me', ['user', '__proto__', 'constructor'], callOptions());
    expect(batch.get('user')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(batch.get('__proto__')).toBe('done');
    expect(batch.get('constructor')).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect(batch.size).toBe(3);
  });

  it.each([
    ['is missing', {}],
    ['is no list', { ResultItem: 'a' }],
    ['has an entry that is no object', { ResultItem: ['a'] }],
    ['has an entry without account', { ResultItem: [{ ResultCode: 0 }] }],
    ['has an entry without code', { ResultItem: [{ To_Account: 'a' }] }],
    ['has an entry with a code in quotes', { ResultItem: [{ To_Account: 'a', ResultCode: '0' }] }],
  ])('is UPSTREAM_UNAVAILABLE for each key when ResultItem %s', async (_what, body) => {
    const { service, callOptions } = await startService(() => ok(body));
    const batch = await service.follow('me', ['a'], callOptions());
    expect(batch.get('a')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstream: { command: 'follow_add' } });
  });
});
