// A Sentinel of our own: it watches a primary, and makes a replica the next one.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { directoryOf } from '../documents/asking.ts';
import { findServer, freePort } from './redis-process.ts';

/** Starts one for the running test, with these lines of configuration; resolves with its host and port. */
export async function startSentinel(lines: readonly string[] = []): Promise<string> {
  const [program, port] = [await findServer(), await freePort()];
  const text = [`port ${port}`, 'bind 127.0.0.1', ...lines].join('\n');
  const file = join(directoryOf({ 'sentinel.conf': text }), 'sentinel.conf');
  const sentinel = spawn(program, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void sentinel.kill('SIGKILL'));
  await new Promise<void>((resolve) => {
    sentinel.stdout.on('data', (said) => /Sentinel ID/.test(String(said)) && resolve());
  });
  return `127.0.0.1:${port}`;
}
