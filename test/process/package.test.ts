// The gateway as a package: what `npm pack` makes starts by its command, and inside a program that has its own rules.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { directoryOf } from '../documents/asking.ts';
import { openSandbox } from '../support/sandbox.ts';
import { ask, ROOT, start } from './start-process.ts';

const run = promisify(execFile);

type Packed = { filename: string; files: { path: string }[] };

/** A program's folder with the package installed. */
async function installPackage() {
  const folder = directoryOf({ 'package.json': { type: 'module' } });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [Packed];
  await run('tar', ['-xzf', filename], { cwd: folder });
  await mkdir(join(folder, 'node_modules'));
  await symlink('../package', join(folder, 'node_modules', 'follow-gateway'));
  // What npm would install beside it.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'package', 'node_modules'));
  await mkdir(join(folder, 'node_modules', '@types'));
  await symlink(join(ROOT, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  return { folder, files: files.map(({ path }) => path) };
}

test('the package starts by its command, and runs in a program with a login and a rule of its own', {
  timeout: 120_000,
}, async () => {
  const { folder, files } = await installPackage();
  expect(files.filter((path) => /test|\.env|\.ts$/.test(path) && !path.endsWith('.d.ts'))).toEqual([]);
  const page = readFileSync(join(ROOT, 'deploy/README.md'), 'utf8');
  const [, example = ''] = /```ts\n(import \{ createGateway.*?)```/s.exec(page) ?? [];
  await writeFile(join(folder, 'program.ts'), example);
  const options = ['--noEmit', '--module', 'nodenext', '--target', 'es2024', '--strict', '--skipLibCheck'];
  const args = [...options, '--types', 'node', 'program.ts'];

  const command = [process.execPath, join('package', packageJson.bin['follow-gateway'])] as const;
  const started = start(['--sandbox'], { env: { PORT: '0' }, command, cwd: folder });
  const compiling = run(join(ROOT, 'node_modules/.bin/tsc'), args, { cwd: folder });
  const [[, url = '']] = await Promise.all([started.said(/(http:\S+)\/graphql/), compiling]);
  expect(await ask(url, '{ user(id: "UserID_001") { fansCount } }')).toEqual({ data: { user: { fansCount: 2 } } });

  const sandbox = await openSandbox({ people: 3 });
  const env = { ...sandbox.settings, PORT: '0', METRICS_PORT: '0' };
  const program = start([], { env, command: [process.execPath, 'program.ts'], cwd: folder });
  const [own = ''] = await program.said(/^http:\S+$/m);
  const query = '{ viewer { id } user(id: "UserID_001") { fansCount fans(first: 1) { nodes { id } } } }';
  expect(await ask(own, query)).toMatchObject({
    data: { viewer: null, user: { fansCount: 2, fans: null } },
    errors: [{ extensions: { code: 'FORBIDDEN' } }],
  });
  expect(await ask(own, query, { 'x-session': 'session-of-UserID_001' })).toEqual({
    data: { viewer: { id: 'UserID_001' }, user: { fansCount: 2, fans: { nodes: [{ id: 'UserID_002' }] } } },
  });
  program.signal('SIGTERM');
  expect((await program.ended).code).toBe(0);
});
