// Judges a UserSig the way the upstream does (CONTRACT 2.3). Shares no code with the side that signs, so that one
// mistake cannot hide another.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { z } from 'zod';

/** What the caller claims in the query, the second at which it is judged, and the app's key. */
type Claim = { sdkAppId: number; identifier: string; nowSeconds: number; secretKey: string };

const CONTENT = z.object({
  'TLS.ver': z.literal('2.0'),
  'TLS.identifier': z.string(),
  'TLS.sdkappid': z.int(),
  'TLS.time': z.int(),
  'TLS.expire': z.int(),
  'TLS.userbuf': z.string().optional(),
  'TLS.sig': z.string(),
});
type Content = z.infer<typeof CONTENT>;

const MAX_INFLATED_BYTES = 8 * 1024;

/** Answers 0 when the UserSig is good, else the ErrorCode of its first defect in the contract's order. */
export function defectOf(userSig: string, { sdkAppId, identifier, nowSeconds, secretKey }: Claim): number {
  const content = decodeUserSig(userSig);
  if (!content) return 70003;
  if (content['TLS.sdkappid'] !== sdkAppId) return 70014;
  if (content['TLS.identifier'] !== identifier) return 70013;
  if (nowSeconds > content['TLS.time'] + content['TLS.expire']) return 70001;
  return content['TLS.userbuf'] === undefined && hasGoodHmac(content, secretKey) ? 0 : 70009;
}

/** Undefined when it is not a UserSig at all. */
function decodeUserSig(userSig: string): Content | undefined {
  if (!/^[A-Za-z0-9*-]+_{0,2}$/.test(userSig) || userSig.length % 4 !== 0) return undefined;
  const base64 = userSig.replaceAll('*', '+').replaceAll('-', '/').replaceAll('_', '=');
  try {
    const inflated = inflateSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_INFLATED_BYTES });
    return CONTENT.parse(JSON.parse(inflated.toString('utf8')));
  } catch {
    return undefined;
  }
}

function hasGoodHmac(content: Content, secretKey: string): boolean {
  const lines = (['identifier', 'sdkappid', 'time', 'expire'] as const).map((n) => `TLS.${n}:${content[`TLS.${n}`]}\n`);
  const expected = Buffer.from(createHmac('sha256', secretKey).update(lines.join('')).digest('base64'));
  const given = Buffer.from(content['TLS.sig']);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
