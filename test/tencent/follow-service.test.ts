import { describe, expect, it } from 'vitest';
import { createFollowService } from '../../src/tencent/follow-service.ts';
import { fail, ok, type Script, startClient } from './scripted-upstream.ts';

async function startService(script: Script) {
  const rig = await startClient(script);
  const service = createFollowService(rig.client, { onBehalfOf: 'administrator' });
  return {
    ...rig,
    readPage: () => service.readPage({ userId: 'UserID_001', list: 'fans', size: 50, start: '' }, rig.callOptions()),
    readRelations: (ids: string[]) => service.readRelations('me', ids, rig.callOptions()),
    follow: (ids: string[]) => service.follow('me', ids, rig.callOptions()),
    unfollow: (ids: string[]) => service.unfollow('me', ids, rig.callOptions()),
  };
}

const item = (To_Account: string, more: object = {}) => ({ To_Account, ResultCode: 0, ResultInfo: '', ...more });

describe('a page', () => {
  it.each([
    ['FollowItem is no list', { FollowItem: {} }],
    ['NextCursor is a number', { NextCursor: 7 }],
  ])('in which %s is UPSTREAM_UNAVAILABLE', async (_what, body) => {
    const { readPage } = await startService(() => ok(body));
    const upstream = { command: 'follow_get', retryable: true };
    await expect(readPage()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstream });
  });
});

describe('relations', () => {
  it.each([4, -1, 1.5, '1', undefined])('with the wire number %j are UPSTREAM_UNAVAILABLE', async (FollowType) => {
    const ResultItem = [item('a', { FollowType }), item('b', { FollowType: 0 })];
    const { readRelations } = await startService(() => ok({ ResultItem }));
    const batch = await readRelations(['a', 'b']);
    expect(batch.get('a')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(batch.get('b')).toBe('NONE');
  });
});

describe('following and unfollowing', () => {
  it('sends the chunks of a change in turn, so that they do not get in each other’s way', async () => {
    let underWay = 0;
    const { follow, requests } = await startService(({ body, response }) => {
      expect(++underWay).toBe(1);
      response.on('finish', () => underWay--);
      return ok({ ResultItem: body.FollowItem.map(({ To_Account }) => item(To_Account)).reverse() });
    });
    expect((await follow(Array.from({ length: 61 }, (_, i) => `u${i}`))).size).toBe(61);
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
    const { follow, requests } = await startService(() => fail(code));
    expect((await follow(['a'])).get('a')).toMatchObject({ mayHaveHappened });
    if (mayHaveHappened) expect(requests).toHaveLength(1);
  });

  it('answers each account that is asked for and no other, also odd ones, and one that the upstream left out', async () => {
    const ResultItem = [item('USER'), item('__proto__'), item('constructor', { ResultCode: 30003 })];
    const { unfollow } = await startService(() => ok({ ResultItem }));
    const batch = await unfollow(['user', '__proto__', 'constructor']);
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
    const { follow } = await startService(() => ok(body));
    const batch = await follow(['a']);
    expect(batch.get('a')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstream: { command: 'follow_add' } });
  });
});
