// Judges a UserSig the way the upstream does (contract 2.3). Shares no code with the side that signs, so that one
// mistake cannot hide another.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { isObject } from './http.ts';

/** What the caller claims in the query, and the second at which it is judged. */
type Claim = { sdkAppId: number; identifier: string; nowSeconds: number };

type Content = { identifier: string; sdkAppId: number; time: number; expire: number; userbuf?: string; sig: string };

const MAX_INFLATED_BYTES = 8 * 1024;
const MAX_REMEMBERED = 1000;

/** Answers 0 when the UserSig is good, else the ErrorCode of its first defect in the contract's order. */
export type UserSigVerifier = (userSig: string, claim: Claim) => number;

export function createUserSigVerifier({ secretKey }: { secretKey: string }): UserSigVerifier {
  // A caller sends the same string for hours; only its expiry and the claim need a look each time.
  const genuine = new Map<string, Content>();

  return (userSig, claim) => {
    const known = genuine.get(userSig);
    const content = known ?? decodeUserSig(userSig);
    if (!content) return 70003;
    if (content.sdkAppId !== claim.sdkAppId) return 70014;
    if (content.identifier !== claim.identifier) return 70013;
    if (claim.nowSeconds > content.time + content.expire) return 70001;
    if (content.userbuf !== undefined) return 70009;
    if (known) return 0;
    if (!hasGoodHmac(content, secretKey)) return 70009;
    if (genuine.size >= MAX_REMEMBERED) genuine.clear();
    genuine.set(userSig, content);
    return 0;
  };
}

/** The content of a UserSig, verified or not; undefined when it is not a UserSig at all. */
export function decodeUserSig(userSig: string): Content | undefined {
  if (!/^[A-Za-z0-9*-]+_{0,2}$/.test(userSig) || userSig.length % 4 !== 0) return undefined;
  const base64 = userSig.replaceAll('*', '+').replaceAll('-', '/').replaceAll('_', '=');
  try {
    const inflated = inflateSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_INFLATED_BYTES });
    return readContent(JSON.parse(inflated.toString('utf8')));
  } catch {
    return undefined;
  }
}

function readContent(json: unknown): Content | undefined {
  if (!isObject(json) || json['TLS.ver'] !== '2.0') return undefined;
  const field = (name: string) => json[`TLS.${name}`];
  const [identifier, sig, userbuf] = [field('identifier'), field('sig'), field('userbuf')];
  const [sdkAppId, time, expire] = [field('sdkappid'), field('time'), field('expire')];
  if (typeof identifier !== 'string' || typeof sig !== 'string') return undefined;
  if (!isWholeNumber(sdkAppId) || !isWholeNumber(time) || !isWholeNumber(expire)) return undefined;
  if (userbuf !== undefined && typeof userbuf !== 'string') return undefined;
  return { identifier, sdkAppId, time, expire, userbuf, sig };
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function hasGoodHmac({ identifier, sdkAppId, time, expire, sig }: Content, secretKey: string): boolean {
  const text = `TLS.identifier:${identifier}\nTLS.sdkappid:${sdkAppId}\nTLS.time:${time}\nTLS.expire:${expire}\n`;
  const expected = Buffer.from(createHmac('sha256', secretKey).update(text).digest('base64'));
  const given = Buffer.from(sig);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
