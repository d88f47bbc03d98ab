// Where the house touches `process`: what it says, which signals it hears, how it ends.

import packageJson from '../../package.json' with { type: 'json' };
import { ConfigError } from '../errors.ts';

import { usage } from './command-line.ts';

export const VERSION = packageJson.version;
export const USAGE = usage(VERSION);

/** Exit codes of sysexits.h. */
export const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 };

export const say = (text: string) => process.stdout.write(text);
export const complain = (text: string) => process.stderr.write(text);

// A reader that is gone, or a disk that is full, ends nobody who serves.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

export function print(text: string): number {
  say(text);
  return EXIT.ok;
}

/** What an error that ends the process means: to whoever started it, and in words. */
export function explain(error: unknown): { exitCode: number; complaint: string } {
  if (error instanceof ConfigError)
    return { exitCode: EXIT.config, complaint: `${error.message}\ndeploy/README.md has the table of settings.\n` };
  if (isListenError(error)) {
    const { code, address = error.hostname, port, setting } = error;
    const reason = code === 'EADDRINUSE' ? 'the port is taken' : code;
    const remedy = setting ? `Set ${setting} and HOST.` : 'Set PORT and HOST, or --port for the sandbox.';
    const place = `${address}${port === undefined ? '' : `:${port}`}`;
    return { exitCode: EXIT.failure, complaint: `Cannot listen on ${place}: ${reason}. ${remedy}\n` };
  }
  return { exitCode: EXIT.failure, complaint: `${error instanceof Error ? error.stack : error}\n` };
}

export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

export function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

type ListenError = { code: string; address?: string; port?: number; hostname?: string; setting?: string };

function isListenError(error: unknown): error is ListenError {
  const syscalls = ['listen', 'bind', 'getaddrinfo'];
  return error instanceof Error && 'syscall' in error && syscalls.includes(String(error.syscall));
}
