// What the image is made of, told to those who look for weak versions.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../process/start-process.ts';

type Lock = { packages: Record<string, { version: string; dev?: boolean }> };

test('the SBOM has every package of the image, and none of development', async () => {
  const { stdout } = await promisify(execFile)(`${ROOT}/.ci/sbom`, { maxBuffer: 1e8 });
  const { components } = JSON.parse(stdout) as { components: { group?: string; name: string; version: string }[] };
  const listed = components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`);
  const { packages } = JSON.parse(readFileSync(`${ROOT}/package-lock.json`, 'utf8')) as Lock;
  const wanted = Object.entries(packages).flatMap(([path, { version, dev }]) =>
    path && !dev ? `${path.replace(/.*node_modules\//, '')}@${version}` : [],
  );
  expect([...new Set(listed)].sort()).toEqual([...new Set(wanted)].sort());
});
