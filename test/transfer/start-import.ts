// A sandbox that can be looked into, and the commands that fill it, as processes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { directoryOf } from '../documents/asking.ts';
import { run, start } from '../process/start-process.ts';
import { openSandbox } from '../support/sandbox.ts';

export async function startImport(options: SandboxOptions = {}) {
  const { settings, ...sandbox } = await openSandbox({ emptyWorld: true, ...options });
  const folder = directoryOf({});
  const path = (name: string) => join(folder, name);
  return {
    ...sandbox,
    path,
    /** Writes a file and imports it; answers with how the process ended. */
    async importCsv(kind: 'follows' | 'accounts', text: string | Buffer, more: Record<string, string> = {}) {
      await writeFile(path(`${kind}.csv`), text);
      return run(['import', kind, path(`${kind}.csv`)], { ...settings, ...more });
    },
    start: (args: readonly string[], more: Record<string, string> = {}) =>
      start(args, { env: { ...settings, ...more } }),
    exported: (args: readonly string[]) => run(['export', ...args], settings),
  };
}
