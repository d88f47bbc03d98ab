// The log goes out whatever becomes of its reader, and keeps no process from serving or leaving.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../process/start-process.ts';

/** A process that runs `body`, with a log. */
function write(body: string) {
  const program = `import { createLog } from './src/telemetry/log.ts'; const log = createLog('info'); ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const LINES = (count: number) => `for (let n = 0; n < ${count}; n++) log.info({ n, pad: 'x'.repeat(200) }, 'line');`;

test.each([
  ['exits', 'process.exit(78);', 78],
  ['fails', 'throw new Error();', 1],
  ['ends', '', 0],
])('all lines are there, in order, when the process %s', async (_title, end, exitCode) => {
  const child = write(`${LINES(300)} setTimeout(() => { ${LINES(300)} ${end} }, 20);`);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(exitCode);
  const numbers = text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { n: number }).n);
  expect(numbers).toEqual([0, 1].flatMap(() => Array.from({ length: 300 }, (_, n) => n)));
});

test('a process leaves when its reader has gone', async () => {
  const child = write(`process.stdin.once('data', () => { ${LINES(1)} log.flush(() => process.exit(0)); });`);
  child.stdout.destroy();
  child.stdin.write('now');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
