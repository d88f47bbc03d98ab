// Authenticates requests, without the rest of the gateway.
import { type AuthSettings, createAuthentication } from '../../src/auth/authentication.ts';
import type { Clock } from '../../src/clock.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTestClock } from '../support/clock.ts';

type Line = { message: string; reason?: string };

/** Opens an authentication with these ways; all others are off. */
export function openAuthentication(ways: Partial<AuthSettings['auth']>, clock: Clock = createTestClock()) {
  const reported: Line[] = [];
  const authenticate = createAuthentication(
    {
      auth: { userSig: false, jwt: null, header: null, ...ways },
      tencent: SANDBOX_APP,
      userIdPattern: /^(?:[A-Za-z0-9_-]{1,40})$/u,
    },
    { clock, report: (message, facts) => reported.push({ message, ...facts }) },
  );
  const ask = async (headers: Record<string, string>) => authenticate((name) => headers[name]);
  return {
    reported,
    /** The viewer of a request. */
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
