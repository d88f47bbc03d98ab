// The image without a container engine: what its Dockerfile copies, installs and runs, in a folder.
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { directoryOf } from '../documents/asking.ts';
import { openSandbox } from '../support/sandbox.ts';
import { ask, ROOT, start } from './start-process.ts';

const DOCKERFILE = readFileSync(`${ROOT}/Dockerfile`, 'utf8').replaceAll(/\\\n\s*/g, '');
/** What stands behind each such instruction. */
const all = (instruction: string) =>
  Array.from(DOCKERFILE.matchAll(new RegExp(`^${instruction} (.+)$`, 'gm')), ([, rest = '']) => rest);
/** As on a read-only root file system, even when root runs this test: Node refuses every write. */
const READ_ONLY = { NODE_OPTIONS: '--permission --allow-fs-read=*' };

test('the image serves without root, writes or development packages, reports its health and stops on a signal', {
  timeout: 180_000,
}, async () => {
  expect([all('FROM'), all('USER'), all('EXPOSE')]).toEqual([
    ['node:24-slim AS packages', 'node:24-slim'],
    ['node'],
    ['4000'],
  ]);
  const settings = Object.fromEntries(all('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('='))));
  expect(settings).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' });

  const cwd = directoryOf({});
  const copied = all('COPY').filter((line) => !line.startsWith('--from'));
  for (const path of copied.flatMap((line) => line.split(' ').slice(0, -1)))
    cpSync(join(ROOT, path), join(cwd, path), { recursive: true });
  await promisify(execFile)('sh', ['-c', all('RUN')[0] ?? ''], { cwd });
  expect(readdirSync(cwd).sort()).toEqual(['node_modules', 'package-lock.json', 'package.json', 'schema', 'src']);
  const packages = readdirSync(join(cwd, 'node_modules'));
  expect(packages).toContain('graphql-yoga');
  for (const development of ['node', 'vitest', 'typescript']) expect(packages).not.toContain(development);

  const run = (json: string, env: Record<string, string>) => {
    const [, ...args] = JSON.parse(json) as string[];
    return start(args, { command: [process.execPath], cwd, env: { ...settings, ...READ_ONLY, ...env } });
  };
  const upstream = await openSandbox({ people: 3 });
  const gateway = run(all('CMD')[0] ?? '', { ...upstream.settings, PORT: '0' });
  const [, url = '', port = ''] = await gateway.said(/"url":"(http:\/\/[^"/]+:(\d+))\/graphql"/);
  expect(await ask(url, '{ user(id: "UserID_001") { fans { nodes { id } } } }')).toEqual({
    data: { user: { fans: { nodes: [{ id: 'UserID_002' }, { id: 'UserID_003' }] } } },
  });

  const [healthcheck = ''] = all('HEALTHCHECK').map((line) => line.replace(/^.* CMD /, ''));
  const health = () => run(healthcheck, { PORT: port }).ended;
  expect(await health()).toMatchObject({ code: 0, stderr: '' });
  gateway.signal('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(await health()).toMatchObject({ code: 1 });
});

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
