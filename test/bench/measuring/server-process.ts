// Servers that are measured from outside, each a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type ServerProcess = {
  /** Where it listens, without a path. */
  origin: string;
  /** From the start of the process until its first answer. */
  readyAfterMs: number;
  /** CPU time of the process with all its threads, since its start. */
  cpuMicros(): Promise<number>;
  memory(): Promise<NodeJS.MemoryUsage>;
  /** What is left after collections of garbage, which cost the server CPU time. */
  held(): Promise<NodeJS.MemoryUsage>;
  /** Kills it. */
  stop(): Promise<void>;
};

const PRELOADED = ['--expose-gc', '--import', new URL('./report.ts', import.meta.url).href];
const START_LIMIT_MS = 20_000;
const POLL_MS = 5;
/** Buffers are freed some turns after the objects that hold them. */
const COLLECTIONS = 5;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a server on a free port and waits for its first answer. BENCH_LOG=1 shows what it writes. */
export async function startServer(script: URL, env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...PRELOADED, fileURLToPath(script)], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: String(port), ...env },
    stdio: ['ignore', process.env.BENCH_LOG ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  });
  running.add(child);
  while (!(await answers(origin))) {
    if (child.exitCode !== null || performance.now() - startedAt > START_LIMIT_MS)
      throw new Error(`${script} does not answer; BENCH_LOG=1 shows why.`);
    await delay(POLL_MS);
  }

  async function ask<Answer>(question: 'cpu' | 'memory' | 'held'): Promise<Answer> {
    const answer = once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    child.send(question);
    const [told] = await answer;
    return told as Answer;
  }

  return {
    origin,
    readyAfterMs: performance.now() - startedAt,
    async cpuMicros() {
      const { user, system } = await ask<NodeJS.CpuUsage>('cpu');
      return user + system;
    },
    memory: () => ask('memory'),
    async held() {
      for (let turn = 1; turn < COLLECTIONS; turn++) await ask('held');
      return ask('held');
    },
    async stop() {
      running.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Whether a query is answered with anything but a server error. */
async function answers(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
