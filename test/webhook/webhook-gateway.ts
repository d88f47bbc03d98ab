// Webhooks as the upstream, or an impostor, would send them, to a gateway that has them.
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signWebhook } from '../../src/sandbox/webhooks.ts';
import type { Replica } from '../support/gateway.ts';

export const TOKEN = 'demo-callback-token-001';
export const PATH = '/hooks/follow';
export const OK = { ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '' };

export type Forgery = {
  method?: string;
  /** Query parameters in place of the right ones; null leaves one out. */
  query?: Record<string, string | null>;
  token?: string;
  /** Epoch milliseconds of the signature. */
  at?: number;
  headers?: Record<string, string>;
};

/** The address that the upstream posts to. */
export function addressOf(replica: Pick<Replica, 'url'>, command: string, forgery: Forgery = {}): string {
  const { query = {}, token = TOKEN, at = Date.now() } = forgery;
  const url = new URL(PATH, replica.url);
  const requestTime = query.RequestTime ?? String(Math.floor(at / 1000));
  const right = {
    SdkAppid: String(SANDBOX_APP.sdkAppId),
    CallbackCommand: command,
    contenttype: 'json',
    ClientIP: '127.0.0.1',
    OptPlatform: 'iOS',
    Sign: signWebhook(token, requestTime),
    RequestTime: requestTime,
  };
  for (const [name, value] of Object.entries({ ...right, ...query }))
    if (value !== null) url.searchParams.set(name, value);
  return url.href;
}

/** Posts a webhook; text goes as it is. */
export function tell(
  replica: Pick<Replica, 'url'>,
  command: string,
  body: object | string,
  forgery: Forgery = {},
): Promise<Response> {
  const { method = 'POST', headers = {} } = forgery;
  const text = typeof body === 'string' ? body : JSON.stringify({ CallbackCommand: command, ...body });
  return fetch(addressOf(replica, command, forgery), { method, headers, body: method === 'GET' ? undefined : text });
}

export const ADD = 'Follow.CallbackAfterFollowAdd';
export const DELETE = 'Follow.CallbackAfterFollowDelete';
export const PORTRAIT = 'Profile.CallbackPortraitSet';
export const ALERT = 'Alert.RequestOverLimit';

export const follows = (from: string, to: readonly unknown[], at?: number) => ({
  From_Account: from,
  FollowList: to.map((id) => ({ To_Account: id })),
  EventTime: at,
});
export const unfollows = (from: string, to: readonly unknown[], at?: number) => ({
  From_Account: from,
  To_Account: to,
  EventTime: at,
});
