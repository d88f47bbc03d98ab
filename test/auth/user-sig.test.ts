// UserSigs as credentials; what one must be made of is held by test/tencent/user-sig.test.ts.
import { expect, test } from 'vitest';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { createTestClock } from '../support/clock.ts';
import { openAuthentication } from './asking.ts';

const DAY_SECONDS = 86_400;
const START_SECONDS = createTestClock().now() / 1000;
const ONE_CREDENTIAL = 'The Authorization header must hold one credential, as in "Authorization: UserSig <sig>".';

type Change = Partial<Parameters<typeof signUserSig>[0]>;

/** An authentication by UserSig, and what signs Ann's. */
function open() {
  const clock = createTestClock();
  const sign = (change: Change = {}) => {
    const issuedAt = Math.floor(clock.now() / 1000);
    return signUserSig({ ...SANDBOX_APP, userId: 'ann', issuedAt, expireSeconds: DAY_SECONDS, ...change });
  };
  return { clock, sign, ...openAuthentication({ userSig: true, header: { secret: 'of the router' } }, clock) };
}

const headers = (userSig: string, scheme = 'UserSig') => ({ authorization: `${scheme} ${userSig}` });
const refusedFor = (why: RegExp) => ({ code: 'UNAUTHENTICATED', message: expect.stringMatching(why) });

test('a UserSig proves its user until the end of its last second, however often, also where a router names them', async () => {
  const { clock, sign, ask, refusal } = open();
  const userSig = sign();
  const viewer = { userId: 'ann', expiresAt: clock.now() + (DAY_SECONDS + 1) * 1000 - 1 };
  const routed = { 'x-viewer-id': 'ann', 'x-viewer-secret': 'of the router' };
  expect(await ask({ ...headers(sign()), ...routed })).toEqual(viewer);
  for (const scheme of ['UserSig', 'usersig', 'USERSIG']) expect(await ask(headers(userSig, scheme))).toEqual(viewer);
  for (let n = 0; n < 1000; n++) await ask(headers(userSig));
  clock.advance((DAY_SECONDS + 1) * 1000 - 1);
  expect(await ask(headers(userSig))).toEqual(viewer);
  clock.advance(1);
  expect(await refusal(headers(userSig))).toEqual(refusedFor(/has expired/));
});

test.each([0, 2, 5])('a UserSig from a clock that is %i seconds ahead is taken', async (seconds) => {
  const { sign, ask } = open();
  expect(await ask(headers(sign({ issuedAt: START_SECONDS + seconds })))).toMatchObject({ userId: 'ann' });
});

test.each<[string, Change, RegExp]>([
  ['for another app', { sdkAppId: SANDBOX_APP.sdkAppId + 1 }, /another app/],
  ['signed with another key', { secretKey: 'f'.repeat(64) }, /not signed with the key/],
  ['that is dated six seconds ahead', { issuedAt: START_SECONDS + 6 }, /not valid yet/],
  ['of an id that the pattern refuses', { userId: 'ann smith' }, /not a user id/],
])('a UserSig %s is refused, and the refusal says why without repeating it', async (_what, change, why) => {
  const { sign, refusal } = open();
  const userSig = sign(change);
  const refused = await refusal(headers(userSig));
  expect(refused).toEqual(refusedFor(why));
  expect(refused?.message).not.toContain(userSig.slice(0, 20));
});

test('a UserSig that is known lends nothing to one that differs from it in a letter', async () => {
  const { sign, ask, refusal } = open();
  const userSig = sign();
  await ask(headers(userSig));
  const forged = sign({ userId: 'eve', secretKey: 'f'.repeat(64) });
  for (let n = 0; n < 3; n++) expect(await refusal(headers(forged))).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await ask(headers(userSig))).toMatchObject({ userId: 'ann' });
});

test.each<(good: string) => string>([
  ...[() => '', () => 'UserSig', () => 'UserSig '],
  ...[(good: string) => good, (good: string) => `Basic ${good}`, (good: string) => `Bearer ${good}`],
  ...[', UserSig ', ',', ', Bearer '].map((between) => (good: string) => `UserSig ${good}${between}${good}`),
])('an Authorization header that holds not one credential is refused, and told which are taken: %s', async (write) => {
  const { sign, refusal } = open();
  const refused = await refusal({ authorization: write(sign()) });
  expect(refused).toEqual({ code: 'UNAUTHENTICATED', message: ONE_CREDENTIAL });
});

test('without a configured way everybody is anonymous, but an Authorization header is refused all the same', async () => {
  const { ask, refusal } = openAuthentication({});
  expect(await ask({})).toBeNull();
  expect(await refusal(headers(open().sign()))).toMatchObject({ code: 'UNAUTHENTICATED' });
});
