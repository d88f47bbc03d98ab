import { deflateSync } from 'node:zlib';
import { Api } from 'tls-sig-api-v2';
import { describe, expect, test } from 'vitest';
import { createUserSigVerifier, decodeUserSig } from '../../src/sandbox/user-sig.ts';
import { VECTOR_A, VECTOR_A_STORED, VECTOR_A_TAMPERED, VECTOR_B, VECTOR_KEY } from '../support/user-sig-vectors.ts';
import { packUserSig, signUserSig, userSigContent } from './start-sandbox.ts';

const ADMIN = { sdkAppId: 1400000000, identifier: 'administrator', nowSeconds: 1_700_000_000 };
const LAST_VALID_SECOND = 1_700_086_400;

const verifier = () => createUserSigVerifier({ secretKey: VECTOR_KEY });

describe('the contract’s vectors', () => {
  test('both compressions of vector A hold the same content and are good to the last second', () => {
    expect(decodeUserSig(VECTOR_A)).toEqual(decodeUserSig(VECTOR_A_STORED));
    const verify = verifier();
    for (const userSig of [VECTOR_A, VECTOR_A_STORED, VECTOR_A]) {
      expect(verify(userSig, ADMIN)).toBe(0);
      expect(verify(userSig, { ...ADMIN, nowSeconds: LAST_VALID_SECOND })).toBe(0);
      expect(verify(userSig, { ...ADMIN, nowSeconds: LAST_VALID_SECOND + 1 })).toBe(70001);
    }
  });

  test('vector B is good for the user that it names', () => {
    expect(verifier()(VECTOR_B, { ...ADMIN, identifier: 'UserID_001' })).toBe(0);
  });

  test('vector C, with a userbuf, is refused', () => {
    const userSig = packUserSig({
      'TLS.ver': '2.0',
      'TLS.identifier': 'administrator',
      'TLS.sdkappid': 1400000000,
      'TLS.time': 1_700_000_000,
      'TLS.expire': 86_400,
      'TLS.userbuf': 'YWJj',
      'TLS.sig': 'zFe4ht1UsOjGfSvhyokB5KkGpE3B+NJRKRAK5OZEcGc=',
    });
    expect(verifier()(userSig, ADMIN)).toBe(70009);
  });

  test('a longer life under the old signature is refused', () => {
    expect(verifier()(VECTOR_A_TAMPERED, ADMIN)).toBe(70009);
  });
});

test('what the vendor’s package signs is good', () => {
  const userSig = new Api(1400000000, VECTOR_KEY).genUserSig('administrator', 3600);
  expect(verifier()(userSig, { ...ADMIN, nowSeconds: Math.floor(Date.now() / 1000) })).toBe(0);
});

test('each defect has its own code, and the contract’s order decides between two', () => {
  const verify = verifier();
  const signed = (content: Partial<typeof userSigContent>, key = VECTOR_KEY) =>
    signUserSig({ ...userSigContent, ...content }, key);
  expect(verify(signed({ sdkAppId: 1400000001, identifier: 'other', time: 1 }), ADMIN)).toBe(70014);
  expect(verify(signed({ identifier: 'other', time: 1 }), ADMIN)).toBe(70013);
  expect(verify(signed({ time: 1 }, 'wrong key'), ADMIN)).toBe(70001);
  expect(verify(signed({}, 'wrong key'), ADMIN)).toBe(70009);
  expect(verify(signed({ time: ADMIN.nowSeconds + 3600 }), ADMIN)).toBe(0);
});

test('a UserSig seen to be good is still judged by claim and time', () => {
  const verify = verifier();
  expect(verify(VECTOR_A, ADMIN)).toBe(0);
  expect(verify(VECTOR_A, { ...ADMIN, identifier: 'other' })).toBe(70013);
  expect(verify(VECTOR_A, { ...ADMIN, sdkAppId: 1 })).toBe(70014);
});

test.each([
  ['nothing like base64', '%%%%'],
  ['RFC 4648 base64url', `${VECTOR_A.slice(0, -2)}==`],
  ['not zlib', Buffer.from('hello, world').toString('base64')],
  ['not JSON', deflateSync('hello').toString('base64').replaceAll('+', '*').replaceAll('/', '-').replaceAll('=', '_')],
  ['a JSON text', packUserSig('hello')],
  ['null', packUserSig(null)],
  ['another version', packUserSig({ 'TLS.ver': '1.0' })],
  ['a missing member', packUserSig({ 'TLS.ver': '2.0', 'TLS.identifier': 'administrator' })],
  ['more than 8 KiB inflated', packUserSig({ 'TLS.ver': '2.0', padding: 'x'.repeat(9000) })],
])('%s cannot be read', (_, userSig) => {
  expect(verifier()(userSig, ADMIN)).toBe(70003);
});
