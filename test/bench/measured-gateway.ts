// Gateways that are measured from outside: what they spend in CPU time, and what they hold once all that can go has gone.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Measured = { child: ChildProcess; origin: string; sandbox: string };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const parent = process.ppid;
/** Whoever started this has been killed: what is left would go on for minutes, and its gateways with it. */
setInterval(() => process.ppid !== parent && process.exit(1), 1000).unref();

/** Two of the same: what asks for the heap also collects it, which is no cost of a request. */
export const startBoth = async (env: NodeJS.ProcessEnv = {}) => ({
  forCpu: await start('./report-cpu.ts', env),
  forHeap: await start('./report-memory.ts', env),
});

/** Starts a gateway with its sandbox; it ends when this process does, however that ends. */
function start(preload: string, more: NodeJS.ProcessEnv): Promise<Measured> {
  const args = ['--expose-gc', '--import', here(preload), here('../../src/main.ts')];
  const env = { PATH: process.env.PATH, PORT: '0', LIST_FRESH_SECONDS: '3600', ...more };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`The gateway ended:\n${said}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
      const [, origin] = /(http:\S+:\d+)\/graphql/.exec(said) ?? [];
      const [, sandbox] = /SANDBOX at (http:[\w./:]+\d)/.exec(said) ?? [];
      if (origin && sandbox) resolve({ child, origin, sandbox });
    });
  });
}

/** Of one that was started to report its CPU time. */
export async function cpuMicros({ child }: Measured): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

/** Of one that was started to report its memory. Buffers go some turns after the objects that hold them. */
export async function heldKilobytes({ child }: Measured): Promise<number> {
  let bytes = 0;
  for (let turn = 0; turn < 5; turn++) {
    child.send('memory');
    const [{ heapUsed, external }] = (await once(child, 'message')) as [NodeJS.MemoryUsage];
    bytes = heapUsed + external;
  }
  return Math.round(bytes / 1024);
}

export async function upstreamCalls({ sandbox }: Measured): Promise<number> {
  const { commands } = (await (await fetch(`${sandbox}/sandbox/calls`)).json()) as {
    commands: Record<string, { received: number }>;
  };
  return Object.values(commands).reduce((sum, { received }) => sum + received, 0);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
