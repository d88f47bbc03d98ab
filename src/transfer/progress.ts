// How far an import has come: a small file beside the imported one.
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../cache/redis-link.ts';
import { CommandFailure } from '../errors.ts';

const PROGRESS = z.object({ digest: z.string(), line: z.int(), done: z.int(), refused: z.int() });

/** `line` is the last one that was answered; the first line has the names. */
export type Progress = z.infer<typeof PROGRESS>;

const pathOf = (path: string) => `${path}.progress`;

/** Reads what is kept; a file that has changed, or goes to another app, begins at its beginning. */
export async function readProgress(path: string, content: Uint8Array, app: string): Promise<Progress> {
  const digest = createHash('sha256').update(`${app}\n`).update(content).digest('hex');
  const kept = await readFile(pathOf(path), 'utf8').catch(() => '');
  const { data } = PROGRESS.safeParse(parseJson(kept));
  return data?.digest === digest ? data : { digest, line: 1, done: 0, refused: 0 };
}

/** A kill leaves the old one or the new one whole. */
export async function writeProgress(path: string, progress: Progress): Promise<void> {
  try {
    await writeFile(`${pathOf(path)}.new`, JSON.stringify(progress));
    await rename(`${pathOf(path)}.new`, pathOf(path));
  } catch (error) {
    throw new CommandFailure(`${pathOf(path)} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}
