// What counts as a webhook of the upstream, and what one says (CONTRACT 7).
import { describe, expect, test } from 'vitest';
import { createWebhookReader } from '../../src/tencent/webhook.ts';
import { createTestClock } from '../support/clock.ts';
import { ADD, ALERT, addressOf, DELETE, follows, PORTRAIT, TOKEN, unfollows } from './webhook-gateway.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const HOUSE = { url: 'http://gateway' };

const reader = createWebhookReader({
  token: TOKEN,
  sdkAppId: 1400000000,
  userIdPattern: /^[A-Za-z0-9_-]{1,32}$/,
  clock: createTestClock(NOW),
});
const admit = (command: string, forgery: Parameters<typeof addressOf>[2] = {}) => {
  const { pathname, search } = new URL(addressOf(HOUSE, command, { at: NOW, ...forgery }));
  return reader.admit(pathname + search);
};
const parse = (command: Parameters<typeof reader.parse>[0], body: object) =>
  reader.parse(command, JSON.stringify({ CallbackCommand: command, ...body }));

describe('an address', () => {
  test('counts with the contract’s own vector', () => {
    const vector = createWebhookReader({
      token: 'xxxxyyyy',
      sdkAppId: 1400000000,
      userIdPattern: /./,
      clock: createTestClock(1_669_872_112_000),
    });
    const Sign = '17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061';
    const query = new URLSearchParams({
      SdkAppid: '1400000000',
      CallbackCommand: ADD,
      Sign,
      RequestTime: '1669872112',
    });
    expect(vector.admit(`/hooks?${query}`)).toEqual({ refusal: null, command: ADD });
  });

  test.each([
    ['another token', { token: 'demo-callback-token-002' }, 'its Sign is wrong'],
    ['no Sign', { query: { Sign: null } }, 'its Sign is wrong'],
    ['an empty Sign', { query: { Sign: '' } }, 'its Sign is wrong'],
    ['a Sign that is cut short', { query: { Sign: 'ab12' } }, 'its Sign is wrong'],
    ['a Sign of as many other characters', { query: { Sign: 'z'.repeat(64) } }, 'its Sign is wrong'],
    ['another app', { query: { SdkAppid: '1400000001' } }, 'it is for another app'],
    ['no app', { query: { SdkAppid: null } }, 'it is for another app'],
    ['no time', { query: { RequestTime: '' } }, 'its RequestTime is not of this minute'],
    ['a time that is no number', { query: { RequestTime: '1e9' } }, 'its RequestTime is not of this minute'],
    ['a time of 61 s ago', { at: NOW - 61_000 }, 'its RequestTime is not of this minute'],
    ['a time of 61 s ahead', { at: NOW + 61_000 }, 'its RequestTime is not of this minute'],
    ['kilobytes of address', { query: { ClientIP: 'x'.repeat(2048) } }, 'its address is too long'],
  ])('with %s is refused', (_what, forgery, refusal) => {
    expect(admit(ADD, forgery)).toEqual({ refusal });
  });

  test.each([-60_000, 60_000])('counts with a clock that differs by %i ms', (ms) => {
    expect(admit(ADD, { at: NOW + ms })).toEqual({ refusal: null, command: ADD });
  });
});

describe('a body', () => {
  const at = NOW - 1234;

  test('tells of a follow, with its targets as objects', () => {
    expect(parse(ADD, follows('ana', ['bo', 'cy'], at))).toEqual({
      type: 'followed',
      from: 'ana',
      to: ['bo', 'cy'],
      at,
      eventTime: at,
    });
  });

  test('may list its targets in either way, and more than once', () => {
    expect(parse(ADD, unfollows('ana', ['bo', 'bo'], at))).toMatchObject({ type: 'followed', to: ['bo'] });
    expect(parse(DELETE, follows('ana', ['bo'], at))).toMatchObject({ type: 'unfollowed', to: ['bo'] });
  });

  test('tells whose profile has changed, not who changed it', () => {
    const body = { From_Account: 'ana', Operator_Account: 'admin', EventTime: at, ProfileItem: [] };
    expect(parse(PORTRAIT, body)).toEqual({ type: 'profile-changed', userId: 'ana', at, eventTime: at });
  });

  test.each([
    ['is absent', undefined],
    ['is text', String(NOW)],
    ['is a fraction', NOW - 0.5],
    ['is in seconds', NOW / 1000],
    ['is more than five minutes ahead', NOW + 300_001],
    ['is negative', -NOW],
  ])('whose EventTime %s tells of now', (_what, EventTime) => {
    expect(parse(ADD, { ...follows('ana', ['bo']), EventTime })).toMatchObject({ at: NOW, eventTime: null });
  });

  test('whose EventTime is a little ahead tells of now, and is the same event when it comes again', () => {
    expect(parse(ADD, { ...follows('ana', ['bo']), EventTime: NOW + 290_000 })).toMatchObject({
      at: NOW,
      eventTime: NOW + 290_000,
    });
  });

  const someone = (n: number) => `u${n}`;
  test.each<[string, Parameters<typeof reader.parse>[0], object | string]>([
    ['no JSON', ADD, 'From_Account=ana'],
    ['no object', ADD, '["ana"]'],
    ['nothing', ADD, 'null'],
    ['another command than the address', ADD, { CallbackCommand: DELETE, ...follows('ana', ['bo']) }],
    ['no command', ADD, JSON.stringify(follows('ana', ['bo']))],
    ['nobody who follows', ADD, { FollowList: [{ To_Account: 'bo' }] }],
    ['an id that can be none', ADD, follows('ana maria', ['bo'])],
    ['a target that can be none', ADD, follows('ana', ['bo', 'c y'])],
    ['a target of another type', ADD, follows('ana', ['bo', 7])],
    ['nested targets', DELETE, unfollows('ana', [['bo']])],
    ['no targets', ADD, follows('ana', [])],
    ['oneself as the target', ADD, follows('ana', ['ana'])],
    [
      '101 targets',
      ADD,
      follows(
        'ana',
        Array.from({ length: 101 }, (_, n) => someone(n)),
      ),
    ],
    ['a profile of nobody', PORTRAIT, { From_Account: '' }],
    ['an alert that would forge log lines', ALERT, { ServiceName: 'a\nb', Command: 'x', Request: 1, Limit: 2 }],
    ['an alert without numbers', ALERT, { ServiceName: 'a', Command: 'x', Request: '1', Limit: 2 }],
  ])('with %s says nothing', (_what, command, body) => {
    expect(typeof body === 'string' ? reader.parse(command, body) : parse(command, body)).toBeNull();
  });
});

describe('a block or a login', () => {
  const pair = (from: unknown, to: unknown) => ({ From_Account: from, To_Account: to });
  const time = { at: NOW, eventTime: null };

  test('is read as whom it concerns, and nothing of what it claims', () => {
    const pairs = [pair('ana', 'bo'), pair('ana', 'cy')];
    const read = [
      { from: 'ana', to: 'bo' },
      { from: 'ana', to: 'cy' },
    ];
    for (const kind of ['Add', 'Delete'] as const)
      expect(parse(`Sns.CallbackBlackList${kind}`, { PairList: pairs })).toEqual({
        type: 'blocks-changed',
        pairs: read,
        ...time,
      });
    const Info = { Action: 'Login', To_Account: 'ana', Reason: 'Register' };
    expect(parse('State.StateChange', { Info, EventTime: NOW })).toEqual({
      ...{ type: 'presence-changed', userId: 'ana', at: NOW, eventTime: NOW },
    });
  });

  test.each([
    { PairList: [] },
    { PairList: 'ana' },
    { PairList: [pair('ana', 'b o')] },
    { PairList: [pair('ana', 'bo'), null] },
    { PairList: Array.from({ length: 1001 }, (_, n) => pair('ana', `u${n}`)) },
  ])('that makes no sense is none: %#', (body) => {
    expect(parse('Sns.CallbackBlackListAdd', body)).toBeNull();
    expect(parse('State.StateChange', { ...body, Info: { To_Account: 7 } })).toBeNull();
  });
});
