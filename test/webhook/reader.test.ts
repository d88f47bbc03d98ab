// What counts as a webhook of the upstream, and what one says (CONTRACT 7).
import { describe, expect, test } from 'vitest';
import { createWebhookReader } from '../../src/tencent/webhook.ts';
import { createTestClock } from '../support/clock.ts';
import { ADD, ALERT, addressOf, DELETE, follows, PORTRAIT, TOKEN, unfollows } from './webhook-gateway.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const OPTIONS = { sdkAppId: 1400000000, userIdPattern: /^[A-Za-z0-9_-]{1,32}$/ };

const reader = createWebhookReader({ ...OPTIONS, token: TOKEN, clock: createTestClock(NOW) });
const parse = (command: Parameters<typeof reader.parse>[0], body: object) =>
  reader.parse(command, JSON.stringify({ CallbackCommand: command, ...body }));

test('an address counts with the contract’s own vector, and with a clock that differs by a minute', () => {
  const vector = createWebhookReader({ ...OPTIONS, token: 'xxxxyyyy', clock: createTestClock(1_669_872_112_000) });
  const Sign = '17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061';
  const query = { SdkAppid: '1400000000', CallbackCommand: ADD, Sign, RequestTime: '1669872112' };
  expect(vector.admit(`/hooks?${new URLSearchParams(query)}`)).toEqual({ refusal: null, command: ADD });
  for (const ms of [-60_000, 60_000]) {
    const { pathname, search } = new URL(addressOf({ url: 'http://gateway' }, ADD, { at: NOW + ms }));
    expect(reader.admit(pathname + search)).toEqual({ refusal: null, command: ADD });
  }
});

describe('a body', () => {
  const at = NOW - 1234;

  test.each([
    ['of a follow', ADD, follows('ana', ['bo', 'cy'], at), { type: 'followed', from: 'ana', to: ['bo', 'cy'] }],
    [
      'of targets listed in either way, each once',
      ADD,
      unfollows('ana', ['bo', 'bo'], at),
      { type: 'followed', from: 'ana', to: ['bo'] },
    ],
    ['of an unfollow', DELETE, follows('ana', ['bo'], at), { type: 'unfollowed', from: 'ana', to: ['bo'] }],
    [
      'whose profile has changed, not who changed it',
      PORTRAIT,
      { From_Account: 'ana', Operator_Account: 'admin', EventTime: at, ProfileItem: [] },
      { type: 'profile-changed', userId: 'ana' },
    ],
  ] as const)('tells %s', (_what, command, body, event) => {
    expect(parse(command, body)).toEqual({ ...event, at });
  });

  test.each([
    ['is absent', undefined],
    ['is text', String(NOW)],
    ['is in seconds', NOW / 1000],
    ['is more than five minutes ahead', NOW + 300_001],
    ['is a little ahead', NOW + 290_000],
  ])('tells of now when its EventTime %s', (_what, EventTime) => {
    expect(parse(ADD, { ...follows('ana', ['bo']), EventTime })).toMatchObject({ at: NOW });
  });

  const many = (count: number) => Array.from({ length: count }, (_, n) => `u${n}`);
  test.each<[string, Parameters<typeof reader.parse>[0], object | string]>([
    ['no JSON', ADD, 'From_Account=ana'],
    ['no object', ADD, '["ana"]'],
    ['another command than the address', ADD, { CallbackCommand: DELETE, ...follows('ana', ['bo']) }],
    ['no command', ADD, JSON.stringify(follows('ana', ['bo']))],
    ['nobody who follows', ADD, { FollowList: [{ To_Account: 'bo' }] }],
    ['an id that can be none', ADD, follows('ana maria', ['bo'])],
    ['a target that can be none', ADD, follows('ana', ['bo', 'c y'])],
    ['no targets', ADD, follows('ana', [])],
    ['oneself as the target', ADD, follows('ana', ['ana'])],
    ['101 targets', ADD, follows('ana', many(101))],
    ['a profile of nobody', PORTRAIT, { From_Account: '' }],
    ['an alert that would forge log lines', ALERT, { ServiceName: 'a\nb', Command: 'x', Request: 1, Limit: 2 }],
    ['an alert without numbers', ALERT, { ServiceName: 'a', Command: 'x', Request: '1', Limit: 2 }],
  ])('with %s says nothing', (_what, command, body) => {
    expect(typeof body === 'string' ? reader.parse(command, body) : parse(command, body)).toBeNull();
  });
});

describe('a block or a login', () => {
  const pair = (from: unknown, to: unknown) => ({ From_Account: from, To_Account: to });

  test('is read as whom it concerns, and nothing of what it claims', () => {
    const pairs = [
      { from: 'ana', to: 'bo' },
      { from: 'ana', to: 'cy' },
    ];
    const PairList = pairs.map(({ from, to }) => pair(from, to));
    for (const command of ['Sns.CallbackBlackListAdd', 'Sns.CallbackBlackListDelete'] as const)
      expect(parse(command, { PairList })).toEqual({ type: 'blocks-changed', pairs, at: NOW });
    const Info = { Action: 'Login', To_Account: 'ana', Reason: 'Register' };
    const login = { type: 'presence-changed', userId: 'ana', at: NOW };
    expect(parse('State.StateChange', { Info, EventTime: NOW })).toEqual(login);
  });

  test.each([
    { PairList: [] },
    { PairList: [pair('ana', 'b o')] },
    { PairList: [pair('ana', 'bo'), null] },
    { PairList: Array.from({ length: 1001 }, (_, n) => pair('ana', `u${n}`)) },
  ])('that makes no sense is none: %#', (body) => {
    expect(parse('Sns.CallbackBlackListAdd', body)).toBeNull();
    expect(parse('State.StateChange', { Info: { To_Account: 7 } })).toBeNull();
  });
});
