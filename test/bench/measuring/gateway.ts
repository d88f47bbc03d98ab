// The gateway and the bench's upstream as processes.
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type Settings = Readonly<Record<string, string>>;

export const APP_ID = '1400000000';
const SECRET_KEY = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const GATEWAY = new URL('../../../src/main.ts', import.meta.url);
const UPSTREAM = new URL('../reference/upstream.ts', import.meta.url);

/** Every feature on, with limits that no bench reaches. */
export const ALL_FEATURES: Settings = {
  UPSTREAM_RATE: '100000',
  AUTH: 'usersig',
  CORS_ORIGINS: 'https://app.example',
  RATE_LIMIT_PER_MINUTE: '10000000',
};
export const FEATURES = 'log lines, metrics, UserSig login, CORS, rate limit and document limits on';

/** Lists stay fresh for as long as a bench runs. */
export const WARM: Settings = { LIST_FRESH_SECONDS: '86400', LIST_STALE_SECONDS: '86400' };

/** What points a gateway at an upstream; `createGateway` takes the same settings in this process. */
export const settingsFor = (upstream: ServerProcess): Settings => ({
  TENCENT_SDK_APP_ID: APP_ID,
  TENCENT_SECRET_KEY: SECRET_KEY,
  TENCENT_BASE_URL: upstream.origin,
});

export async function startGateway(upstream: ServerProcess, settings: Settings): Promise<ServerProcess> {
  const METRICS_PORT = String(await freePort());
  return startServer(GATEWAY, { ...settingsFor(upstream), METRICS_PORT, ...settings });
}

/** `limitPerSecond` counts each command for itself. */
export function startUpstream({
  latencyMs = 0,
  limitPerSecond = Number.POSITIVE_INFINITY,
} = {}): Promise<ServerProcess> {
  return startServer(UPSTREAM, { LATENCY_MS: String(latencyMs), LIMIT: String(limitPerSecond) });
}

export type Calls = Record<string, { accepted: number; refused: number }>;

/** The calls that have reached the upstream, by command. */
export async function callsOf(upstream: ServerProcess): Promise<Calls> {
  return (await (await fetch(`${upstream.origin}/stats`)).json()) as Calls;
}

export async function totalCallsOf(upstream: ServerProcess): Promise<number> {
  return Object.values(await callsOf(upstream)).reduce((sum, { accepted, refused }) => sum + accepted + refused, 0);
}
