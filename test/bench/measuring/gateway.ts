// The gateway as it runs in production, with all that it can do switched on, in front of the upstream that answers at once.
import { SANDBOX_APP } from '../../../src/sandbox/sandbox.ts';
import { GATEWAY, type ServerProcess, startServer } from './server-process.ts';

type Settings = Readonly<Record<string, string>>;
type Options = { nodeArguments?: readonly string[] };

const UPSTREAM = new URL('../page-upstream.ts', import.meta.url);

/** Limits that are looked after, and that no load from a single address reaches. */
const SETTINGS: Settings = {
  NODE_ENV: 'production',
  PORT: '0',
  TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
  TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
  UPSTREAM_RATE: '100000',
  AUTH: 'usersig',
  CORS_ORIGINS: 'https://app.example',
  COMPRESSION: 'on',
  METRICS_PORT: '0',
  RATE_LIMIT_PER_MINUTE: '10000000',
};

/** What keeps every page fresh for as long as anything is measured. */
export const WARM: Settings = { LIST_FRESH_SECONDS: '86400', LIST_STALE_SECONDS: '86400', CACHE_MEMORY_MB: '512' };

/** Starts a gateway in front of `upstream`. */
export function startGateway(
  upstream: ServerProcess,
  settings: Settings,
  options: Options = {},
): Promise<ServerProcess> {
  const env = { ...SETTINGS, TENCENT_BASE_URL: upstream.origin, ...settings };
  return startServer(GATEWAY, { env, ...options });
}

export function startUpstream(latencyMs = 0): Promise<ServerProcess> {
  return startServer(UPSTREAM, { env: { LATENCY_MS: String(latencyMs) } });
}

/** How many calls have reached the upstream. */
export async function callsOf(upstream: ServerProcess): Promise<number> {
  return Number(await (await fetch(`${upstream.origin}/calls`)).text());
}

/** The settings of a gateway, as a reader of the results wants to know them. */
export const FEATURES = 'logs, metrics, UserSig login, CORS, compression, rate limit and cost limits on';
