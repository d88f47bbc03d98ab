// A router in front that names the viewer.
import { expect, test } from 'vitest';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { createTestClock } from '../support/clock.ts';
import { openAuthentication } from './asking.ts';

const SECRET = 'a-secret-of-the-router';
const header = { name: 'x-viewer-id', secret: SECRET };
const routed = (id: string) => ({ 'x-viewer-id': id, 'x-viewer-secret': SECRET });

test('the header names the viewer when the secret stands beside it', async () => {
  const { ask } = openAuthentication({ header });
  expect(await ask(routed('ann'))).toEqual({ userId: 'ann', expiresAt: null });
});

test.each<[string, Record<string, string>]>([
  ['no header at all', {}],
  ['the secret and no id', { 'x-viewer-secret': SECRET }],
  ['the secret and an empty id', routed('')],
])('%s is anonymous', async (_what, headers) => {
  expect(await openAuthentication({ header }).ask(headers)).toBeNull();
});

test.each<[string, Record<string, string>]>([
  ['an id without the secret', { 'x-viewer-id': 'ann' }],
  ['an id with an empty secret', { 'x-viewer-id': 'ann', 'x-viewer-secret': '' }],
  ['an id with a wrong secret', { 'x-viewer-id': 'ann', 'x-viewer-secret': 'b-secret-of-the-router' }],
  ['an id with the beginning of the secret', { 'x-viewer-id': 'ann', 'x-viewer-secret': SECRET.slice(0, -1) }],
  ['an id with the secret twice', { 'x-viewer-id': 'ann', 'x-viewer-secret': `${SECRET}, ${SECRET}` }],
  ['a wrong secret and no id', { 'x-viewer-secret': 'b-secret-of-the-router' }],
  ['two ids', routed('ann, bob')],
  ['the same id twice', routed('ann, ann')],
  ['an id that cannot exist', routed('ann smith')],
  ['an id longer than 32 bytes', routed('a'.repeat(33))],
])('%s is refused, and the refusal does not repeat it', async (_what, headers) => {
  const refusal = await openAuthentication({ header }).refusal(headers);
  expect(refusal).toEqual({ code: 'UNAUTHENTICATED', message: expect.any(String) });
  for (const value of Object.values(headers).filter(Boolean)) expect(refusal?.message).not.toContain(value);
});

test('a header whose way is not configured names nobody, beside a credential and without one', async () => {
  const clock = createTestClock();
  const { ask } = openAuthentication({ userSig: true }, clock);
  expect(await ask(routed('eve'))).toBeNull();
  expect(await ask({ ...routed('eve'), ...userSigOf(clock, 'ann') })).toMatchObject({ userId: 'ann' });
});

test('a header and a UserSig must each hold and name the same user', async () => {
  const clock = createTestClock();
  const { ask, refusal } = openAuthentication({ userSig: true, header }, clock);
  const ann = userSigOf(clock, 'ann');
  expect(await ask({ ...routed('ann'), ...ann })).toEqual({ userId: 'ann', expiresAt: expect.any(Number) });
  // A router that names nobody contradicts nobody.
  expect(await ask({ ...routed(''), ...ann })).toMatchObject({ userId: 'ann' });
  const refused = { code: 'UNAUTHENTICATED' };
  expect(await refusal({ ...routed('bob'), ...ann })).toMatchObject({
    ...refused,
    message: expect.stringMatching(/different users/),
  });
  expect(await refusal({ 'x-viewer-id': 'ann', ...ann })).toMatchObject(refused);
  expect(await refusal({ ...routed('ann'), authorization: 'UserSig junk' })).toMatchObject(refused);
  expect(await refusal({ ...routed('ann'), authorization: '' })).toMatchObject(refused);
});

function userSigOf(clock: { now(): number }, userId: string) {
  const issuedAt = Math.floor(clock.now() / 1000);
  return { authorization: `UserSig ${signUserSig({ ...SANDBOX_APP, userId, issuedAt, expireSeconds: 3600 })}` };
}

test('a further way to authenticate comes first, and leaves what it does not know to the others', async () => {
  const session = { userId: 'sid', expiresAt: null };
  const { ask, refusal } = openAuthentication({ header }, undefined, async (lookUp) =>
    lookUp('authorization') === 'Session 1' ? session : null,
  );
  expect(await ask({ authorization: 'Session 1' })).toEqual(session);
  expect(await ask(routed('ann'))).toMatchObject({ userId: 'ann' });
  expect(await refusal({ authorization: 'Session 2' })).toMatchObject({ code: 'UNAUTHENTICATED' });
});
