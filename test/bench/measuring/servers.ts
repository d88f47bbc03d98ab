// Servers that are measured from outside, each a process: the gateway, the benches' upstream, and peers.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/redis-process.ts';

export type Settings = Readonly<Record<string, string>>;
type Calls = Record<string, { accepted: number; refused: number }>;
type Usage = NodeJS.MemoryUsage & { cpuMicros: number };
export type ServerProcess = Awaited<ReturnType<typeof startServer>>;

export const APP_ID = '1400000000';
const SECRET_KEY = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

/** Every feature on, with limits that no bench reaches. */
export const ALL_FEATURES: Settings = {
  UPSTREAM_RATE: '100000',
  AUTH: 'usersig',
  CORS_ORIGINS: 'https://app.example',
  RATE_LIMIT_PER_MINUTE: '10000000',
};
export const FEATURES = 'log lines, metrics, UserSig login, CORS, rate limit and document limits on';
/** The same with lists that stay fresh for as long as a bench runs. */
export const WARM: Settings = { ...ALL_FEATURES, LIST_FRESH_SECONDS: '86400', LIST_STALE_SECONDS: '86400' };

/** As in the image: what a start compiles is there for the next. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'follow-gateway-benches');
const PRELOADED = ['--expose-gc', '--import', new URL('./report.ts', import.meta.url).href];
const START_LIMIT_MS = 60_000;
/** Buffers are freed some turns after the objects that hold them. */
const COLLECTIONS = 5;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a script below test/bench on a free port and waits for its first answer. BENCH_LOG=1 shows what it writes. */
export async function startServer(script: string, env: Settings = {}) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const child = spawn(process.execPath, [...PRELOADED, path], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NODE_COMPILE_CACHE, PORT: String(port), ...env },
    stdio: ['ignore', process.env.BENCH_LOG ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  });
  running.add(child);
  while (!(await answers(origin))) {
    if (child.exitCode !== null || performance.now() - startedAt > START_LIMIT_MS)
      throw new Error(`${script} does not answer; BENCH_LOG=1 shows why.`);
    await delay(5);
  }
  const readyAfterMs = performance.now() - startedAt;

  async function usage(collectsGarbage: boolean): Promise<Usage> {
    const answer = once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    child.send({ collectsGarbage });
    return (await answer)[0] as Usage;
  }

  return {
    origin,
    readyAfterMs,
    /** CPU time of the process with all its threads, since its start. */
    cpuMicros: async (): Promise<number> => (await usage(false)).cpuMicros,
    memory: () => usage(false),
    /** What is left after collections of garbage, which cost the server CPU time. */
    async held(): Promise<Usage> {
      for (let turn = 1; turn < COLLECTIONS; turn++) await usage(true);
      return usage(true);
    },
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Stops all that run. */
export const stopServers = () => Promise.all([...running].map(stop));

/** Whether a query is answered with anything but a server error. */
async function answers(origin: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  const body = '{"query":"{ __typename }"}';
  const response = await fetch(`${origin}/graphql`, { method: 'POST', headers, body }).catch(() => null);
  await response?.arrayBuffer();
  return response !== null && response.status < 500;
}

/** What points a gateway at an upstream; `createGateway` takes the same settings in this process. */
export const settingsFor = (upstream: ServerProcess): Settings => ({
  TENCENT_SDK_APP_ID: APP_ID,
  TENCENT_SECRET_KEY: SECRET_KEY,
  TENCENT_BASE_URL: upstream.origin,
});

export async function startGateway(upstream: ServerProcess, settings: Settings): Promise<ServerProcess> {
  const METRICS_PORT = String(await freePort());
  return startServer('../../src/main.ts', { ...settingsFor(upstream), METRICS_PORT, ...settings });
}

/** Starts the upstream of the benches. `limit`: calls a second, of each command by itself. */
export async function startUpstream({ latencyMs = 0, limit = Number.POSITIVE_INFINITY } = {}) {
  const env = { LATENCY_MS: String(latencyMs), LIMIT: String(limit) };
  const server = await startServer('reference/upstream.ts', env);
  const calls = async () => (await (await fetch(`${server.origin}/stats`)).json()) as Calls;
  return {
    ...server,
    /** The calls that have reached it, by command. */
    calls,
    totalCalls: async () => Object.values(await calls()).reduce((sum, of) => sum + of.accepted + of.refused, 0),
  };
}
