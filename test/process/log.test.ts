// The log goes out whatever becomes of its reader, and keeps nobody from serving or leaving.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from './start-process.ts';

/** A process that says `ready` and writes `body`, with nobody who reads. */
function write(body: string) {
  const program = `import { openLog } from './src/process/log.ts'; const { log, logRequest } = openLog('info', { worker: 1 }); ${body}`;
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

test('the line of a request is as pino writes it', async () => {
  const line = {
    requestId: 'a-1',
    operationName: 'Ä"\\u2028',
    errorCodes: ['A', 'B'],
    none: null,
    ms: 0.5,
    yes: true,
  };
  const told = JSON.stringify(line);
  const child = write(
    `const line = ${told}; log.info(line, 'request'); logRequest(line); log.level = 'warn'; logRequest(line);`,
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  const [byPino, ours, ...others] = text.split('\n').map((one) => one.replace(/"time":\d{13},/, '"time":0,'));
  expect(ours).toBe(byPino);
  expect(JSON.parse(ours ?? '')).toEqual({ level: 30, time: 0, worker: 1, ...line, msg: 'request' });
  expect(others).toEqual(['']);
});

test('a process leaves when its reader has gone', async () => {
  const child = write(`process.stdin.once('data', () => { ${LINES(1)} process.exit(0); });`);
  child.stdout.destroy();
  child.stdin.write('now');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a process leaves when its reader stands still', async () => {
  const child = write(`${LINES(20_000)} process.exit(0);`);
  expect(await once(child, 'exit')).toEqual([0, null]);
});
