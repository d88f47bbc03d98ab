// A gateway with webhooks, and webhooks as the upstream, or an impostor, would send them.
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signWebhook } from '../../src/sandbox/webhooks.ts';
import { createRunningClock } from '../support/clock.ts';
import { openGateway, type Replica, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';

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

/** Opens a gateway in front of these people, whose sandbox sends it a webhook of every change. */
export async function openWithWebhooks({
  people = [],
  env = {},
  sandbox,
  ...rest
}: TestGatewayOptions & { people?: readonly string[] } = {}) {
  const gateway = await openGateway({
    ...rest,
    env: { AUTH: 'development', WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH, METRICS_PORT: '0', ...env },
    sandbox: { emptyWorld: true, clock: rest.clock, ...sandbox },
  });
  for (const id of people) gateway.sandbox.world.importAccount(id);
  gateway.sandbox.webhooks.connect({ url: `${gateway.url}${PATH}`, token: TOKEN });
  return gateway;
}

/** The same on a Redis, which another replica shares; webhooks come to the first one. */
export async function openTwoWithWebhooks(people: readonly string[], env: Record<string, string> = {}) {
  const redis = await startRedis();
  const clock = createRunningClock();
  // A machine that is busy must not be taken for a Redis that is away.
  const shared = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000' };
  const gateway = await openWithWebhooks({ people, clock, env: { ...shared, ...env } });
  return { redis, clock, gateway, other: await gateway.openReplica() };
}

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

/** What the log of a gateway says in one of its lines, by the line's message. */
export const logged = (gateway: Pick<TestGateway, 'logLines'>, message: string) =>
  gateway.logLines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
