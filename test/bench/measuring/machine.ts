// Where and with what something was measured.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** The libraries on whose versions the figures depend. */
const PACKAGES = [
  'graphql',
  'graphql-yoga',
  '@pothos/core',
  'undici',
  'ioredis',
  'mercurius',
  'graphql-jit',
  'fastify',
  '@apollo/server',
];

/** One line: cores, memory, system. */
export function machine(): string {
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} × ${model}, ${memory} GiB, ${platform()} ${release()} ${arch()}`;
}

/** One line: Node and the packages. */
export function versions(): string {
  return [`Node ${process.versions.node}`, ...PACKAGES.map((name) => `${name} ${versionOf(name)}`)].join(', ');
}

/** By its file, since packages need not export their package.json. */
function versionOf(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string };
      return version;
    } catch {
      // Not in this folder: perhaps in one above.
    }
  }
  throw new Error(`${name} is not installed: ${dirname(import.meta.url)} cannot find it.`);
}
