import { expect, test } from 'vitest';
import { signUserSig, startSandbox, userSigContent } from './start-sandbox.ts';

test('a request with every defect is refused for the first, then the next, in the contract’s order', async () => {
  const sandbox = await startSandbox({ rateLimits: { follow_get: 1 } });
  const path = `${sandbox.url}/v4/follow/follow_get`;
  const good = {
    sdkappid: '1400000000',
    identifier: 'administrator',
    usersig: signUserSig(),
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
    [60010, path, { ...good, identifier: 'x', usersig: signUserSig({ ...userSigContent, identifier: 'x' }) }, {}],
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

test('after the rate come the body, UserID types, the feature switch, parameters, From_Account, items', async () => {
  const { call, faults, world, addressOf } = await startSandbox();
  const codeOf = async (body: unknown) => (await call('follow_add', body)).ErrorCode;
  faults.set({ featureOff: true });
  const broken = await fetch(addressOf('follow_add'), { method: 'POST', body: '{"From_Account":"a",}' });
  expect(await broken.json()).toMatchObject({ ErrorCode: 60003 });
  expect(await codeOf({ From_Account: 7, FollowItem: [] })).toBe(60015);
  expect(await codeOf({ From_Account: 'nobody', FollowItem: [{ To_Account: 7 }] })).toBe(60015);
  expect(await codeOf({ From_Account: 'nobody', FollowItem: [] })).toBe(30005);
  faults.reset();
  expect(await codeOf({ From_Account: 'nobody', FollowItem: [] })).toBe(30001);
  expect(await codeOf({ From_Account: 'nobody', FollowItem: [{ To_Account: 'nobody' }] })).toBe(30003);
  world.importAccount('mina');
  expect(await call('follow_add', { From_Account: 'mina', FollowItem: [{ To_Account: 'nobody' }] })).toMatchObject({
    ErrorCode: 0,
    ResultItem: [{ To_Account: 'nobody', ResultCode: 30003, ResultInfo: 'account not imported' }],
  });
});
