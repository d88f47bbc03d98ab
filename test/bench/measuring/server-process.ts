// Servers that are measured from outside, each a process of its own: started, asked what they use, ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type ServerProcess = {
  child: ChildProcess;
  /** Where it listens, without a path. */
  origin: string;
  /** The first thousands of characters that it wrote. */
  said(): string;
  /** CPU time of the process, all its threads included, since it was started. */
  cpuMicros(): Promise<number>;
  memory(): Promise<NodeJS.MemoryUsage>;
  /** What is left once all that can go has gone. It collects the garbage, so it costs CPU time of the server. */
  held(): Promise<NodeJS.MemoryUsage>;
  /** Ends it at once. */
  stop(): Promise<void>;
};

type Options = { env?: NodeJS.ProcessEnv; nodeArguments?: readonly string[] };

/** The script of the gateway itself. */
export const GATEWAY = new URL('../../../src/main.ts', import.meta.url);

const REPORT = new URL('./report.ts', import.meta.url);
const PRELOADED = ['--expose-gc', '--import', REPORT.href];
const MOST_SAID = 8192;
/** Buffers go some turns after the objects that hold them. */
const COLLECTIONS = 5;

const parent = process.ppid;
/** Whoever started this has been killed: what is left would go on for minutes, and its servers with it. */
setInterval(() => process.ppid !== parent && process.exit(1), 1000).unref();

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a server and waits until it tells its address. It ends when this process does, however that ends. */
export async function startServer(script: URL, options: Options = {}): Promise<ServerProcess> {
  const { env = {}, nodeArguments = [] } = options;
  const child = spawn(process.execPath, [...PRELOADED, ...nodeArguments, fileURLToPath(script)], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  running.add(child);
  let said = '';

  const origin = await new Promise<string>((resolve, reject) => {
    const ended = () => reject(new Error(`${script} ended without telling its address:\n${said}`));
    child.once('exit', ended);
    // Read to the end: its log lines are written as in production, and go nowhere.
    child.stdout?.on('data', (bytes: Buffer) => {
      if (said.length > MOST_SAID) return;
      said += bytes.toString('utf8');
      const [, found] = /(http:[^\s"]+:\d+)\/graphql/.exec(said) ?? [];
      if (!found) return;
      child.off('exit', ended);
      resolve(found);
    });
  });

  async function ask<Answer>(question: 'cpu' | 'memory' | 'held'): Promise<Answer> {
    const answer = once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    child.send(question);
    const [told] = await answer;
    return told as Answer;
  }

  return {
    child,
    origin,
    said: () => said,
    async cpuMicros() {
      const { user, system } = await ask<NodeJS.CpuUsage>('cpu');
      return user + system;
    },
    memory: () => ask<NodeJS.MemoryUsage>('memory'),
    async held() {
      for (let turn = 1; turn < COLLECTIONS; turn++) await ask('held');
      return ask<NodeJS.MemoryUsage>('held');
    },
    async stop() {
      running.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
