// The admin's own UserSig: made here, kept, renewed in time. It travels in every URL and must show up nowhere else.
import type { TencentClientOptions } from './client.ts';
import { signUserSig } from './user-sig.ts';

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
