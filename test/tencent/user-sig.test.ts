import { deflateSync, inflateSync } from 'node:zlib';
import { Api } from 'tls-sig-api-v2';
import { describe, expect, it } from 'vitest';
import { createSignature, signUserSig, verifyUserSig } from '../../src/tencent/user-sig.ts';
import { createTestClock } from '../support/clock.ts';
import { VECTOR_A, VECTOR_A_STORED, VECTOR_A_TAMPERED, VECTOR_B, VECTOR_KEY } from '../support/user-sig-vectors.ts';

const app = { sdkAppId: 1_400_000_000, secretKey: VECTOR_KEY };
const issuedAt = 1_700_000_000;
const A = { ...app, userId: 'administrator', issuedAt, expireSeconds: 86_400 };
const B = { ...app, userId: 'UserID_001', issuedAt, expireSeconds: 604_800 };

const decode = (sig: string): string =>
  inflateSync(Buffer.from(sig.replaceAll('*', '+').replaceAll('-', '/').replaceAll('_', '='), 'base64')).toString();
const encode = (text: string): string =>
  deflateSync(text).toString('base64').replaceAll('+', '*').replaceAll('/', '-').replaceAll('=', '_');
const altered = (change: object): string =>
  encode(JSON.stringify({ ...JSON.parse(decode(signUserSig(A))), ...change }));
const verify = (sig: string, expected: { now?: number; sdkAppId?: number } = {}) =>
  verifyUserSig(sig, { ...app, now: issuedAt, ...expected });

describe('signUserSig', () => {
  it('signs what the vendor signs, byte for byte before compression', () => {
    expect(decode(signUserSig(A))).toBe(decode(VECTOR_A));
    expect(decode(signUserSig(A))).toBe(decode(VECTOR_A_STORED));
    expect(decode(signUserSig(B))).toBe(decode(VECTOR_B));
  });

  it('needs no escaping in a URL', () => {
    for (let i = 0; i < 50; i++) {
      const sig = signUserSig({ ...A, issuedAt: issuedAt + i });
      expect(encodeURIComponent(sig)).toBe(sig);
    }
  });
});

describe('verifyUserSig', () => {
  it.each([VECTOR_A, VECTOR_A_STORED])('accepts the vectors up to and including their last second', (sig) => {
    const verdict = { ok: true, userId: 'administrator', issuedAt, expiresAt: 1_700_086_400 };
    expect(verify(sig)).toEqual(verdict);
    expect(verify(sig, { now: 1_700_086_400.9 })).toEqual(verdict);
    expect(verify(sig, { now: 1_700_086_401 })).toEqual({ ok: false, reason: 'expired' });
  });

  it('accepts one that was issued in the future, as the vendor does', () => {
    expect(verify(VECTOR_A, { now: issuedAt - 1000 })).toMatchObject({ ok: true });
  });

  it('refuses a changed lifetime', () => {
    expect(verify(VECTOR_A_TAMPERED)).toEqual({ ok: false, reason: 'bad-signature' });
  });

  it.each([
    ['nothing', ''],
    ['what is not its alphabet', 'abc+/='],
    ['what is not compressed', Buffer.from('hello').toString('base64').replaceAll('=', '_')],
    ['what is not JSON', encode('hello')],
    ['JSON that is no object', encode('[]')],
    ['null', encode('null')],
    ['another version', altered({ 'TLS.ver': '1.0' })],
    ['a numeric version', altered({ 'TLS.ver': 2 })],
    ['an app id in quotes', altered({ 'TLS.sdkappid': '1400000000' })],
    ['a time in quotes', altered({ 'TLS.time': '1700000000' })],
    ['a fractional time', altered({ 'TLS.time': 1.5 })],
    ['a negative lifetime', altered({ 'TLS.expire': -1 })],
    ['an account that is no string', altered({ 'TLS.identifier': 7 })],
    ['an empty account', altered({ 'TLS.identifier': '' })],
    ['an account with a line break', altered({ 'TLS.identifier': 'a\nTLS.sdkappid:1' })],
    ['a missing signature', altered({ 'TLS.sig': undefined })],
    ['a zip bomb', encode(`{"TLS.ver":"2.0","x":"${'0'.repeat(5_000_000)}"}`)],
    ['one that is far too long', 'a'.repeat(100_000)],
  ])('calls %s malformed', (_what, sig) => {
    expect(verify(sig)).toEqual({ ok: false, reason: 'malformed' });
  });
});

describe("against the vendor's own library", () => {
  it.each(['administrator', 'UserID_001', 'a-b_C9'])('each accepts what the other signs for %s', (userId) => {
    const theirs = new Api(app.sdkAppId, app.secretKey).genUserSig(userId, 3600);
    const document = JSON.parse(decode(theirs));
    expect(verify(theirs, { now: document['TLS.time'] })).toMatchObject({ ok: true, userId });
    const ours = signUserSig({ ...app, userId, issuedAt: document['TLS.time'], expireSeconds: 3600 });
    expect(JSON.parse(decode(ours))).toEqual(document);
  });

  it('refuses a UserSig for a room', () => {
    const theirs = new Api(app.sdkAppId, app.secretKey).genSig('u', 60, 'room');
    const now = JSON.parse(decode(theirs))['TLS.time'];
    expect(verify(theirs, { now })).toEqual({ ok: false, reason: 'bad-signature' });
  });
});

it('a client keeps one signature until 80 % of its life are over', () => {
  const clock = createTestClock(issuedAt * 1000);
  const signature = createSignature({ ...app, adminId: 'administrator', clock });
  const first = signature.current();
  clock.advance(69_119_999);
  expect(signature.current()).toBe(first);
  clock.advance(1);
  const second = signature.current();
  expect(second).not.toBe(first);
  expect(verify(second, { now: clock.now() / 1000 })).toMatchObject({ ok: true, issuedAt: issuedAt + 69_120 });
});
