// UserSig, the upstream's credential: an HMAC over a few lines, in JSON, deflated (CONTRACT 2). The admin's own travels in
// every URL and must show up nowhere else.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Clock } from '../clock.ts';

/** What a UserSig is made from (CONTRACT 2.1). Times are Unix seconds. */
export type UserSigInput = {
  sdkAppId: number;
  /** The console's SecretKey as written; its UTF-8 bytes are the HMAC key. */
  secretKey: string;
  userId: string;
  issuedAt: number;
  expireSeconds: number;
};

/**
 * What came of a verification. Times are Unix seconds; `expiresAt` is the last second in which it is valid; `reason` is the
 * first defect in the contract's order (2.3).
 */
export type UserSigVerdict =
  | { ok: true; userId: string; issuedAt: number; expiresAt: number }
  | { ok: false; reason: 'malformed' | 'wrong-app' | 'expired' | 'bad-signature' };

// A real one inflates to about 200 bytes; the cap of both keeps a crafted one from costing memory.
const MAX_BYTES = 8 * 1024;

const COUNT = z.int().nonnegative();
const DOCUMENT = z.object({
  'TLS.ver': z.literal('2.0'),
  // A line break in the name would let it speak for the lines below it in the signed text.
  'TLS.identifier': z.string().regex(/^[^\n]+$/),
  'TLS.sdkappid': COUNT,
  'TLS.time': COUNT,
  'TLS.expire': COUNT,
  'TLS.sig': z.string(),
});
type Document = z.infer<typeof DOCUMENT>;

/** Makes the UserSig of one account (CONTRACT 2.2). */
export function signUserSig({ sdkAppId, secretKey, userId, issuedAt, expireSeconds }: UserSigInput): string {
  const claim = {
    'TLS.ver': '2.0' as const,
    'TLS.identifier': userId,
    'TLS.sdkappid': sdkAppId,
    'TLS.time': issuedAt,
    'TLS.expire': expireSeconds,
  };
  // Not RFC 4648's base64url: other letters, and the padding stays.
  return deflateSync(JSON.stringify({ ...claim, 'TLS.sig': digest(claim, secretKey) }))
    .toString('base64')
    .replaceAll('+', '*')
    .replaceAll('/', '-')
    .replaceAll('=', '_');
}

/** Checks a UserSig against the app and its key (CONTRACT 2.3). `now` is Unix seconds. */
export function verifyUserSig(
  userSig: string,
  expected: { sdkAppId: number; secretKey: string; now: number },
): UserSigVerdict {
  const document = decode(userSig);
  if (document === undefined) return { ok: false, reason: 'malformed' };
  const { 'TLS.identifier': userId, 'TLS.time': issuedAt } = document;
  if (document['TLS.sdkappid'] !== expected.sdkAppId) return { ok: false, reason: 'wrong-app' };
  const expiresAt = issuedAt + document['TLS.expire'];
  if (Math.floor(expected.now) > expiresAt) return { ok: false, reason: 'expired' };
  // The userbuf of another product's rooms is no part of the text, so that a UserSig with one is refused.
  const right = Buffer.from(digest(document, expected.secretKey));
  const given = Buffer.from(document['TLS.sig']);
  const same = given.length === right.length && timingSafeEqual(given, right);
  return same ? { ok: true, userId, issuedAt, expiresAt } : { ok: false, reason: 'bad-signature' };
}

function digest(claim: Omit<Document, 'TLS.sig'>, secretKey: string): string {
  const names = ['TLS.identifier', 'TLS.sdkappid', 'TLS.time', 'TLS.expire'] as const;
  const text = names.map((name) => `${name}:${claim[name]}\n`).join('');
  return createHmac('sha256', secretKey).update(text).digest('base64');
}

function decode(userSig: string): Document | undefined {
  if (userSig.length > MAX_BYTES || !/^[A-Za-z0-9*_-]+$/.test(userSig)) return undefined;
  const base64 = userSig.replaceAll('*', '+').replaceAll('-', '/').replaceAll('_', '=');
  try {
    const inflated = inflateSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_BYTES });
    return DOCUMENT.safeParse(JSON.parse(inflated.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

const RENEW_AT = 0.8;
// The vendor advises no less than 24 hours (CONTRACT 2.1); more only makes a leaked one live longer.
const EXPIRE_SECONDS = 86_400;
const MAX_LOGGED_CHARS = 300;

type SignatureOptions = Pick<UserSigInput, 'sdkAppId' | 'secretKey'> & { adminId: string; clock: Clock };

/** Creates the holder of the UserSig of `adminId`, which every REST call carries (CONTRACT 1.1 and 2). */
export function createSignature(options: SignatureOptions) {
  const { sdkAppId, secretKey, adminId, clock } = options;
  let userSig = '';
  let previous = '';
  let renewAtMs = 0;

  function sign(): void {
    const issuedAt = Math.floor(clock.now() / 1000);
    previous = userSig;
    userSig = signUserSig({ sdkAppId, secretKey, userId: adminId, issuedAt, expireSeconds: EXPIRE_SECONDS });
    renewAtMs = (issuedAt + EXPIRE_SECONDS * RENEW_AT) * 1000;
  }

  return {
    /** The UserSig to send now: cached, renewed at 80 % of its life. */
    current(): string {
      if (clock.now() >= renewAtMs) sign();
      return userSig;
    },
    /** Makes a new one after the upstream refused `refused`; a no-op when that one is no longer in use. */
    renew(refused: string): void {
      if (refused === userSig) sign();
    },
    /** `text` without the secrets that this holder knows, fit for a log line. */
    redact(text: string): string {
      let clean = text.replace(/usersig=[^&\s"']+/gi, 'usersig=***');
      for (const secret of [secretKey, userSig, previous]) {
        if (secret !== '') clean = clean.replaceAll(secret, '***');
      }
      return clean.slice(0, MAX_LOGGED_CHARS);
    },
  };
}
