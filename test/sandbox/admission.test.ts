// Which requests reach their command, and what the others are refused with.
import { expect, test } from 'vitest';
import { firstPage, manualClock, signAs, startSandbox } from './start-sandbox.ts';

test('a request with every defect is refused for the first, then the next, in the contract’s order', async () => {
  const sandbox = await startSandbox({ rateLimits: { follow_get: 1 } });
  const path = `${sandbox.url}/v4/follow/follow_get`;
  const good = {
    sdkappid: '1400000000',
    identifier: 'administrator',
    usersig: signAs('administrator'),
    random: 'not a number',
    contenttype: 'json',
  };
  const steps: [code: number, url: string, query: Record<string, string>, init: RequestInit][] = [
    [60009, `${sandbox.url}/v4/follow/nothing`, {}, { method: 'GET' }],
    [60009, `${sandbox.url}/v4/profile/follow_get`, {}, { method: 'GET' }],
    [60009, `${sandbox.url}/v3/follow/follow_get`, {}, { method: 'GET' }],
    [60002, path, {}, { method: 'GET' }],
    [60012, path, { identifier: 'nobody' }, {}],
    [60025, path, { sdkappid: '99' }, {}],
    [60025, path, { sdkappid: '99', identifier: 'nobody' }, {}],
    [60025, path, { sdkappid: '99', identifier: 'nobody', usersig: 'x' }, {}],
    [60025, path, { sdkappid: '99', identifier: 'nobody', usersig: 'x', contenttype: 'xml' }, {}],
    [70020, path, { sdkappid: '99', identifier: 'nobody', usersig: 'x', contenttype: 'json' }, {}],
    [70003, path, { ...good, identifier: 'nobody', usersig: 'x' }, {}],
    [70013, path, { ...good, identifier: 'nobody' }, {}],
    [60010, path, { ...good, identifier: 'x', usersig: signAs('x') }, {}],
    // The first call that gets this far is counted, the next is one too many.
    [60003, path, good, {}],
    [60007, path, good, {}],
  ];
  for (const [code, url, query, init] of steps) {
    const response = await fetch(`${url}?${new URLSearchParams(query)}`, { method: 'POST', ...init });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      ActionStatus: 'FAIL',
      ErrorCode: code,
      ErrorInfo: expect.any(String),
    });
  }
});

test('a sliding second admits the limit; refused calls are not counted', async () => {
  const clock = manualClock();
  const { call } = await startSandbox({ clock, rateLimits: { follow_get: 2 } });
  const code = async () => (await call('follow_get', firstPage('administrator'))).ErrorCode;
  expect(await code()).toBe(0);
  clock.advance(600);
  expect(await code()).toBe(0);
  expect(await code()).toBe(60007);
  clock.advance(399);
  expect(await code()).toBe(60007);
  clock.advance(1);
  expect(await code()).toBe(0);
  expect(await code()).toBe(60007);
});

test('each command has its own window, 200 a second, account_check 100', async () => {
  const { call, calls } = await startSandbox();
  const bodies = {
    follow_get: firstPage('administrator'),
    account_check: { CheckItem: [{ UserID: 'administrator' }] },
  };
  for (let round = 0; round < 201; round += 1) {
    await Promise.all([call('follow_get', bodies.follow_get), call('account_check', bodies.account_check)]);
  }
  expect(calls.summary()).toEqual({
    follow_get: { received: 201, outcomes: { 0: 200, 60007: 1 } },
    account_check: { received: 201, outcomes: { 0: 100, 60007: 101 } },
  });
});
