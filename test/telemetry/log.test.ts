// The log goes out whatever becomes of its reader, and keeps no process from serving or leaving.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { readable } from '../../src/telemetry/log.ts';
import { ROOT } from '../process/start-process.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';

/** A process that runs `body`, with a log, which goes to us or where the shell sends it. */
function write(body: string, redirection = '') {
  const program = `import { createLog } from './src/telemetry/log.ts'; const log = createLog('info'); ${body}`;
  const run = `exec "$0" --input-type=module -e "$1" ${redirection}`;
  const child = spawn('sh', ['-c', run, process.execPath, program], { cwd: ROOT });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const LINES = (count: number) => `for (let n = 0; n < ${count}; n++) log.info({ n, pad: 'x'.repeat(200) }, 'line');`;

test.each([
  ['exits', 'process.exit(78);', 78],
  ['fails', 'throw new Error();', 1],
  ['ends', '', 0],
])('all lines are there when the process %s', async (_title, end, exitCode) => {
  const child = write(`${LINES(300)} setTimeout(() => { ${LINES(300)} ${end} }, 20);`);
  const ended = once(child, 'exit');
  const text = (await child.stdout.setEncoding('utf8').toArray()).join('');
  expect(await ended).toEqual([exitCode, null]);
  const numbers = text.match(/.+\n/g)?.map((line): number => JSON.parse(line).n) ?? [];
  // An exit overtakes a chunk that is on its way; each line has its time.
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, n) => Math.floor(n / 2)));
});

test('a process leaves when its reader has gone', async () => {
  const child = write(`process.stdin.once('data', () => { ${LINES(1)} log.flush(() => process.exit(0)); });`);
  child.stdout.destroy();
  child.stdin.write('now');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a disk that is full neither ends a process nor keeps it from leaving', async () => {
  const child = write(`${LINES(30)} log.flush(() => { ${LINES(1)} process.exit(0); });`, '> /dev/full');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('at a terminal a line is for people, and nothing that a client made up moves its cursor', () => {
  const facts = { requestId: 'abc', operationName: 'a\u001b[2J b', ms: 12, errorCodes: [] };
  const line = readable(JSON.stringify({ level: 40, time: 0, msg: 'request', ...facts }));
  const plain = stripVTControlCharacters(line);
  expect(plain).toMatch(
    /^\d\d:\d\d:00 warn {2}request requestId=abc operationName="a\\u001b\[2J b" ms=12 errorCodes=\[\]\n$/,
  );
});

test('an outage of the upstream is one line, whatever it hits, and its end another', async () => {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock });
  gateway.sandbox.world.addFans('star', 3);
  const told = () =>
    gateway.logLines.map((line) => JSON.parse(line)).filter(({ level, msg }) => level >= 30 && msg !== 'request');
  const askAll = async (rounds: number) => {
    for (let n = 0; n < rounds; n++) {
      const fans = `fans(first: ${n + 1}) { nodes { id } }`;
      await gateway.query(`{ user(id: "star") { ${fans} follows { nodes { id } } fansCount nick } }`);
      clock.advance(2000);
    }
  };
  gateway.sandbox.faults.set({ reset: {} });
  await askAll(40);
  expect(told()).toEqual([
    expect.objectContaining({ level: 40, msg: expect.stringContaining('The upstream is away') }),
  ]);
  gateway.sandbox.faults.reset();
  await askAll(10);
  expect(told().slice(1)).toEqual([expect.objectContaining({ level: 30, msg: 'The upstream is back' })]);
});
