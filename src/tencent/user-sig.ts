// UserSig, the upstream's credential: an HMAC over a few lines, in JSON, deflated (CONTRACT 2). The admin's own travels in
// every URL and must show up nowhere else.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import type { TencentClientOptions } from './client.ts';
import { isCount, isRecord } from './upstream-errors.ts';

/** What a UserSig is made from (CONTRACT 2.1). Times are Unix seconds. */
export type UserSigInput = {
  sdkAppId: number;
  /** The console's SecretKey as written; its UTF-8 bytes are the HMAC key. */
  secretKey: string;
  userId: string;
  issuedAt: number;
  expireSeconds: number;
};

/** Why a UserSig is refused; the first defect in the contract's order (2.3). */
type UserSigDefect = 'malformed' | 'wrong-app' | 'expired' | 'bad-signature';

/** What came of a verification. Times are Unix seconds; `expiresAt` is the last second in which it is valid. */
export type UserSigVerdict =
  | { ok: true; userId: string; issuedAt: number; expiresAt: number }
  | { ok: false; reason: UserSigDefect };

// A real one inflates to about 200 bytes; the caps keep a crafted one from costing memory.
const MAX_ENCODED_CHARS = 8 * 1024;
const MAX_INFLATED_BYTES = 8 * 1024;

/** Makes the UserSig of one account (CONTRACT 2.2). */
export function signUserSig(input: UserSigInput): string {
  const document = {
    'TLS.ver': '2.0',
    'TLS.identifier': input.userId,
    'TLS.sdkappid': input.sdkAppId,
    'TLS.time': input.issuedAt,
    'TLS.expire': input.expireSeconds,
    'TLS.sig': digest(input),
  };
  // Not RFC 4648's base64url: other letters, and the padding stays.
  return deflateSync(JSON.stringify(document))
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
  const { userId, issuedAt, expireSeconds, signature } = document;
  if (document.sdkAppId !== expected.sdkAppId) return { ok: false, reason: 'wrong-app' };
  const expiresAt = issuedAt + expireSeconds;
  if (Math.floor(expected.now) > expiresAt) return { ok: false, reason: 'expired' };
  // The userbuf of another product's rooms is no part of the text, so that a UserSig with one is refused.
  const right = Buffer.from(digest({ ...document, secretKey: expected.secretKey }));
  const given = Buffer.from(signature);
  const same = given.length === right.length && timingSafeEqual(given, right);
  return same ? { ok: true, userId, issuedAt, expiresAt } : { ok: false, reason: 'bad-signature' };
}

function digest({ sdkAppId, secretKey, userId, issuedAt, expireSeconds }: UserSigInput): string {
  const text = `TLS.identifier:${userId}\nTLS.sdkappid:${sdkAppId}\nTLS.time:${issuedAt}\nTLS.expire:${expireSeconds}\n`;
  return createHmac('sha256', secretKey).update(text).digest('base64');
}

type UserSigDocument = Omit<UserSigInput, 'secretKey'> & { signature: string };

function decode(userSig: string): UserSigDocument | undefined {
  if (userSig.length > MAX_ENCODED_CHARS || !/^[A-Za-z0-9*_-]+$/.test(userSig)) return undefined;
  const base64 = userSig.replaceAll('*', '+').replaceAll('-', '/').replaceAll('_', '=');
  let json: unknown;
  try {
    json = JSON.parse(
      inflateSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_INFLATED_BYTES }).toString('utf8'),
    );
  } catch {
    return undefined;
  }
  if (!isRecord(json)) return undefined;
  const {
    'TLS.ver': version,
    'TLS.identifier': userId,
    'TLS.sdkappid': sdkAppId,
    'TLS.time': issuedAt,
    'TLS.expire': expireSeconds,
    'TLS.sig': signature,
  } = json;
  // A line break in the name would let it speak for the lines below it in the signed text.
  if (version !== '2.0' || typeof userId !== 'string' || userId === '' || userId.includes('\n')) return undefined;
  if (!isCount(sdkAppId) || !isCount(issuedAt) || !isCount(expireSeconds)) return undefined;
  if (typeof signature !== 'string') return undefined;
  return { userId, sdkAppId, issuedAt, expireSeconds, signature };
}

const RENEW_AT = 0.8;
// The vendor advises no less than 24 hours (CONTRACT 2.1); more only makes a leaked one live longer.
const EXPIRE_SECONDS = 86_400;
const MAX_LOGGED_CHARS = 300;

/** Creates the holder of the UserSig of `adminId`, which every REST call carries (CONTRACT 1.1 and 2). */
export function createSignature(options: Pick<TencentClientOptions, 'sdkAppId' | 'secretKey' | 'adminId' | 'clock'>) {
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
