import { expect, test } from 'vitest';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { createTestClock } from '../support/clock.ts';
import { openAuthentication } from './asking.ts';

const DAY_SECONDS = 86_400;
const START_SECONDS = createTestClock().now() / 1000;

function sign(clock: { now(): number }, change: Partial<Parameters<typeof signUserSig>[0]> = {}): string {
  const issuedAt = Math.floor(clock.now() / 1000);
  return signUserSig({ ...SANDBOX_APP, userId: 'ann', issuedAt, expireSeconds: DAY_SECONDS, ...change });
}

const headers = (userSig: string, scheme = 'UserSig') => ({ authorization: `${scheme} ${userSig}` });

test('a UserSig proves its user, until the end of its last second', async () => {
  const clock = createTestClock();
  const { ask } = openAuthentication({ userSig: true }, clock);
  const expiresAt = clock.now() + (DAY_SECONDS + 1) * 1000 - 1;
  expect(await ask(headers(sign(clock)))).toEqual({ userId: 'ann', expiresAt });
});

test.each([0, 2, 5])('a UserSig from a clock that is %i seconds ahead is taken', async (seconds) => {
  const clock = createTestClock();
  const { ask } = openAuthentication({ userSig: true }, clock);
  expect(await ask(headers(sign(clock, { issuedAt: START_SECONDS + seconds })))).toMatchObject({ userId: 'ann' });
});

test('the scheme may be written in any case', async () => {
  const clock = createTestClock();
  const { ask } = openAuthentication({ userSig: true }, clock);
  expect(await ask(headers(sign(clock), 'usersig'))).toMatchObject({ userId: 'ann' });
  expect(await ask(headers(sign(clock), 'USERSIG'))).toMatchObject({ userId: 'ann' });
});

test.each<[string, Partial<Parameters<typeof signUserSig>[0]>, RegExp]>([
  ['for another app', { sdkAppId: SANDBOX_APP.sdkAppId + 1 }, /another app/],
  ['signed with another key', { secretKey: 'f'.repeat(64) }, /not signed with the key/],
  ['that has expired', { issuedAt: 1_700_000_000 }, /has expired/],
  ['that is dated six seconds ahead', { issuedAt: START_SECONDS + 6 }, /not valid yet/],
  ['that is dated an hour ahead', { issuedAt: START_SECONDS + 3600 }, /not valid yet/],
  ['of an id longer than 32 bytes', { userId: 'a'.repeat(33) }, /not a user id/],
  ['of an id that the pattern refuses', { userId: 'ann smith' }, /not a user id/],
])('a UserSig %s is refused, and the refusal says why without repeating it', async (_what, change, why) => {
  const clock = createTestClock();
  const userSig = sign(clock, change);
  const refusal = await openAuthentication({ userSig: true }, clock).refusal(headers(userSig));
  expect(refusal).toEqual({ code: 'UNAUTHENTICATED', message: expect.stringMatching(why) });
  expect(refusal?.message).not.toContain(userSig.slice(0, 20));
});

test('a UserSig that was good a thousand times is refused once it has expired', async () => {
  const clock = createTestClock();
  const { ask, refusal } = openAuthentication({ userSig: true }, clock);
  const userSig = sign(clock);
  for (let n = 0; n < 1000; n++) await ask(headers(userSig));
  clock.advance((DAY_SECONDS + 1) * 1000 - 1);
  expect(await ask(headers(userSig))).toMatchObject({ userId: 'ann' });
  clock.advance(1);
  expect(await refusal(headers(userSig))).toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringMatching(/has expired/),
  });
});

test('a UserSig that is known lends nothing to one that differs from it in a letter', async () => {
  const clock = createTestClock();
  const { ask, refusal } = openAuthentication({ userSig: true }, clock);
  const userSig = sign(clock);
  await ask(headers(userSig));
  const forged = sign(clock, { userId: 'eve', secretKey: 'f'.repeat(64) });
  for (let n = 0; n < 3; n++) expect(await refusal(headers(forged))).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await ask(headers(userSig))).toMatchObject({ userId: 'ann' });
});

test.each<[string, (good: string) => string]>([
  ['is empty', () => ''],
  ['names a scheme alone', () => 'UserSig'],
  ['names a scheme and nothing after it', () => 'UserSig '],
  ['has no scheme', (good) => good],
  ['has a scheme that nobody knows', (good) => `Basic ${good}`],
  ['has a scheme that is not configured', (good) => `Bearer ${good}`],
  ['holds two credentials', (good) => `UserSig ${good}, UserSig ${good}`],
  ['holds two credentials without a space', (good) => `UserSig ${good},${good}`],
  ['holds two credentials of two schemes', (good) => `UserSig ${good}, Bearer ${good}`],
])('an Authorization header that %s is refused, and told which are taken', async (_what, write) => {
  const clock = createTestClock();
  const userSig = sign(clock);
  const refusal = await openAuthentication({ userSig: true }, clock).refusal({ authorization: write(userSig) });
  expect(refusal?.code).toBe('UNAUTHENTICATED');
  expect(refusal?.message).toContain('"Authorization: UserSig <sig>"');
  expect(refusal?.message).not.toContain('Bearer');
  expect(refusal?.message).not.toContain(userSig);
});

test('without a configured way everybody is anonymous, but an Authorization header is refused all the same', async () => {
  const clock = createTestClock();
  const { ask, refusal } = openAuthentication({}, clock);
  expect(await ask({})).toBeNull();
  expect(await refusal(headers(sign(clock)))).toMatchObject({ code: 'UNAUTHENTICATED' });
});
