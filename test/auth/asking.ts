// Asks who a request is from, without the rest of the house.
import { type AuthSettings, createAuthentication } from '../../src/auth/authentication.ts';
import type { Clock } from '../../src/clock.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTestClock } from '../support/clock.ts';

export const NO_WAY: AuthSettings = { userSig: false, jwt: null, header: null };

type Line = { message: string; reason?: string };

/** Opens an authentication with the ways in `settings`; all others are off. */
export function openAuthentication(settings: Partial<AuthSettings>, clock: Clock = createTestClock()) {
  const reported: Line[] = [];
  const authenticate = createAuthentication(
    { ...NO_WAY, ...settings },
    {
      sdkAppId: SANDBOX_APP.sdkAppId,
      secretKey: SANDBOX_APP.secretKey,
      userIdPattern: /^(?:[A-Za-z0-9_-]{1,40})$/u,
      clock,
      report: (message, facts) => reported.push({ message, ...facts }),
    },
  );
  const ask = async (headers: Record<string, string>) => authenticate((name) => headers[name]);
  return {
    reported,
    /** Who asks. */
    ask,
    /** Why a request is refused; null when it is not. */
    async refusal(headers: Record<string, string>): Promise<{ code: ErrorCode; message: string } | null> {
      return ask(headers).then(
        () => null,
        ({ code, message }) => ({ code, message }),
      );
    },
  };
}
