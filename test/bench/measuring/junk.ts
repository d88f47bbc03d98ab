// Webhooks that are none of the upstream's: its own address and body, but for what makes them junk.
import { SANDBOX_APP } from '../../../src/sandbox/sandbox.ts';
import { signWebhook } from '../../../src/sandbox/webhooks.ts';

const TOKEN = 'demo-callback-token-001';

/** Where a gateway takes webhooks. */
export const WEBHOOK_PATH = '/hooks/follow';

/** Has a gateway take webhooks. */
export const TAKES_WEBHOOKS = { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH };

/** What is wrong with it, and by how many letters its body is longer than one of the upstream's. */
export type Junk = { sign: 'wrong' | 'none'; padding?: number };

/** Address and body of a webhook that tells of a follow by `userId`. */
export function junkWebhook(userId: string, { sign, padding = 0 }: Junk): { path: string; body: object } {
  const requestTime = String(Math.floor(Date.now() / 1000));
  const query = new URLSearchParams({
    SdkAppid: String(SANDBOX_APP.sdkAppId),
    CallbackCommand: 'Follow.CallbackAfterFollowAdd',
    contenttype: 'json',
    ClientIP: '127.0.0.1',
    OptPlatform: 'iOS',
  });
  if (sign === 'wrong') {
    query.set('Sign', signWebhook(`not ${TOKEN}`, requestTime));
    query.set('RequestTime', requestTime);
  }
  const body = {
    CallbackCommand: 'Follow.CallbackAfterFollowAdd',
    From_Account: userId,
    FollowList: [{ To_Account: 'UserID_001' }],
    EventTime: Date.now(),
    ...(padding > 0 && { padding: 'x'.repeat(padding) }),
  };
  return { path: `${WEBHOOK_PATH}?${query}`, body };
}
