// The gateway as its users start it: a process of its own, which is gone when the test is over.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

type Exit = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

type StartOptions = {
  env?: Record<string, string | undefined>;
  /** Another program than `node src/main.ts`, in another folder. */
  command?: readonly [string, ...string[]];
  cwd?: string;
  /** Takes what kills the process in the end, which is that of the running test unless this is given. */
  onEnd?: (kill: () => void) => void;
};

/** Starts `node src/main.ts ...args` with nothing in its environment but `env` and the path. */
export function start(
  args: readonly string[],
  { env = {}, command, cwd = ROOT, onEnd = onTestFinished }: StartOptions = {},
) {
  const [program, ...rest] = command ?? [process.execPath, 'src/main.ts'];
  const child = spawn(program, [...rest, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onEnd(() => void child.kill('SIGKILL'));

  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });

  return {
    /** Resolves when the process has ended and everything it said was read. */
    ended,

    /** Resolves with what `pattern` finds on stdout, as soon as it is there; rejects when the process ends without. */
    async said(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(output.stdout);
        if (found) return found;
        if (child.stdout.readableEnded)
          throw new Error(`The process ended without saying ${pattern}:\n${output.stdout}${output.stderr}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },

    signal: (name: NodeJS.Signals) => child.kill(name),
  };
}

/** Runs the command line to its end. */
export const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Exit> =>
  start(args, { env }).ended;

/** A gateway with its embedded sandbox; the URLs are those that it prints. */
export async function startEmbedded(
  env: Record<string, string> = {},
  args: readonly string[] = [],
  onEnd?: StartOptions['onEnd'],
) {
  const gateway = start(['--sandbox', ...args], { env: { PORT: '0', ...env }, onEnd });
  const [, url = '', sandboxUrl = ''] = await gateway.said(/(http:\S+)\/graphql[\s\S]*SANDBOX at (http:\S+):/);
  return { ...gateway, url, sandboxUrl };
}

/** A sandbox alone, and the settings that it prints for a gateway. */
export async function startSandbox(args: readonly string[] = []) {
  const sandbox = start(['sandbox', '--port', '0', ...args]);
  const [, url = '', lines = ''] = await sandbox.said(
    /upstream is at (http:\S+);[\s\S]*start the gateway with\n((?: .+\n)+)/,
  );
  const settings = Object.fromEntries(
    Array.from(lines.matchAll(/^ +(\w+)=(.*)$/gm), ([, name, value]) => [name, value]),
  );
  return { ...sandbox, url, settings: settings as Record<string, string> };
}

/** What became of the webhooks that a sandbox has sent. */
export async function outcomesOf(sandboxUrl: string): Promise<string[]> {
  const response = await fetch(`${sandboxUrl}/sandbox/webhook`);
  const { deliveries } = (await response.json()) as { deliveries: { outcome: string }[] };
  return deliveries.map(({ outcome }) => outcome);
}

/** Sends a query; answers with the parsed body, whatever it says. */
export async function ask(
  url: string,
  query: string,
  headers: Record<string, string> = {},
): Promise<{ data?: unknown; errors?: { message: string }[] }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Awaited<ReturnType<typeof ask>>;
}
