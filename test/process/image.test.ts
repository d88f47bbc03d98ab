// The image: its Dockerfile's very commands, run here in folders instead of a container.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildImage, type Image, inside, surroundings } from './dockerfile.ts';
import { ask, ROOT, start, startSandbox } from './start-process.ts';

/** As on a read-only root file system, whoever runs this test: Node refuses every write. */
const READ_ONLY = { NODE_OPTIONS: '--permission --allow-fs-read=*' };

function runInside(image: Image, [program = '', ...args]: string[], env: Record<string, string>) {
  return start(args, {
    command: [program],
    cwd: inside(image, '.'),
    env: { ...surroundings(image), ...READ_ONLY, ...env },
  });
}

test('the image serves without root, writes or development packages, reports its health and stops on a signal', {
  timeout: 180_000,
}, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'follow-gateway-image-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const image = await buildImage(ROOT, scratch);

  expect(image).toMatchObject({ user: 'node', exposed: ['4000'], env: { NODE_ENV: 'production', HOST: '0.0.0.0' } });
  expect(readdirSync(inside(image, '.')).sort()).toEqual([
    'node_modules',
    'package-lock.json',
    'package.json',
    'schema',
    'src',
  ]);
  const packages = readdirSync(inside(image, 'node_modules'));
  expect(packages).toContain('graphql-yoga');
  for (const development of ['node', 'vitest', 'typescript']) expect(packages).not.toContain(development);

  const { settings } = await startSandbox();
  const gateway = runInside(image, image.command, { ...settings, PORT: '0' });
  const [, url = '', port = ''] = await gateway.said(/"url":"(http:\/\/[^"/]+:(\d+))\/graphql"/);
  expect(await ask(url, '{ user(id: "UserID_001") { fans { nodes { id } } } }')).toEqual({
    data: { user: { fans: { nodes: [{ id: 'UserID_002' }, { id: 'UserID_003' }] } } },
  });

  const health = () => runInside(image, image.healthcheck, { PORT: port }).ended;
  expect(await health()).toMatchObject({ code: 0, stderr: '' });
  gateway.signal('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(await health()).toMatchObject({ code: 1 });
});
