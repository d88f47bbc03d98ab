// The gateway as a package: what `npm pack` makes starts by its command, and inside a program that has its own rules.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { ask, ROOT, start, startSandbox } from './start-process.ts';

const run = promisify(execFile);

/** A program's folder with the package installed. */
async function installPackage() {
  const folder = await mkdtemp(join(tmpdir(), 'follow-gateway-package-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  await run('tar', ['-xzf', filename], { cwd: folder });
  await mkdir(join(folder, 'node_modules'));
  await symlink('../package', join(folder, 'node_modules', 'follow-gateway'));
  // What npm would install beside it.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'package', 'node_modules'));
  await mkdir(join(folder, 'node_modules', '@types'));
  await symlink(join(ROOT, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return { folder, files: files.map(({ path }) => path) };
}

test('the package starts by its command, and runs in a program with a login and a rule of its own', {
  timeout: 120_000,
}, async () => {
  const { folder, files } = await installPackage();
  expect(files.filter((path) => /test|\.env|\.ts$/.test(path) && !path.endsWith('.d.ts'))).toEqual([]);
  const { bin } = JSON.parse(await readFile(join(folder, 'package', 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const command = [process.execPath, join('package', bin['follow-gateway'] ?? '')] as const;
  const started = start(['--sandbox'], { env: { PORT: '0' }, command, cwd: folder });
  const [, url = ''] = await started.said(/(http:\S+)\/graphql/);
  expect(await ask(url, '{ user(id: "UserID_001") { fansCount } }')).toEqual({ data: { user: { fansCount: 2 } } });

  const page = await readFile(join(ROOT, 'deploy/README.md'), 'utf8');
  const [, example = ''] = /```ts\n(import \{ createGateway.*?)```/s.exec(page) ?? [];
  await writeFile(join(folder, 'program.ts'), example);
  const options = ['--noEmit', '--module', 'nodenext', '--target', 'es2024', '--strict', '--skipLibCheck'];
  await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, '--types', 'node', 'program.ts'], { cwd: folder });

  const sandbox = await startSandbox();
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
