// A sandbox that can be looked into, and the commands that fill it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { exportUser } from '../../src/transfer/export.ts';
import { type Import, importFile } from '../../src/transfer/import.ts';
import { directoryOf } from '../documents/asking.ts';
import { start } from '../process/start-process.ts';
import { openSandbox } from '../support/sandbox.ts';

export async function startImport(options: SandboxOptions = {}) {
  const { settings, ...sandbox } = await openSandbox(options);
  const folder = directoryOf({});
  const path = (name: string) => join(folder, name);
  /** Imports a file of the folder; answers with whether nothing was refused, what was printed, and why it stopped. */
  async function imported(kind: Import, more: Record<string, string> = {}) {
    let printed = '';
    const print = (text: string) => {
      printed += text;
    };
    try {
      const isWhole = await importFile({ ...settings, ...more }, kind, path(`${kind}.csv`), print);
      return { isWhole, printed };
    } catch (error) {
      return { stopped: (error as Error).message, printed };
    }
  }
  return {
    ...sandbox,
    path,
    imported,
    async importCsv(kind: Import, content: string | Buffer, more?: Record<string, string>) {
      await writeFile(path(`${kind}.csv`), content);
      return imported(kind, more);
    },
    exported: (userId: string, format = 'csv') => exportUser(settings, userId, format),
    /** The command as a process. */
    start: (args: readonly string[], more: Record<string, string> = {}) =>
      start(args, { env: { ...settings, ...more } }),
  };
}
