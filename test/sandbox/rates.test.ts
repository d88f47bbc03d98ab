import { expect, test } from 'vitest';
import { firstPage, manualClock, startSandbox } from './start-sandbox.ts';

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
