// Workers as processes: they start as one, are replaced when they die, and leave without dropping anybody.
import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { post, startClient } from '../process/load.ts';
import { armFaults, run, startSandbox } from '../process/start-process.ts';
import { connectToEach, pidOf, startWorkers, startWorkersOn, WORKERS, workerOf } from './start-workers.ts';

const fansOf = (operation: string, number: number) =>
  `query ${operation} { user(id: "user_${String(number).padStart(5, '0')}") { fans { nodes { id nick } } } }`;

test('two workers serve one port, are welcomed once, and have no secrets in their arguments', async () => {
  const gateway = await startWorkers();
  await connectToEach(gateway);
  for (const worker of WORKERS) {
    const args = readFileSync(`/proc/${await pidOf(gateway, worker)}/cmdline`, 'utf8').split('\0');
    expect(args.filter(Boolean).slice(1)).toEqual([expect.stringMatching(/src\/main\.ts$/)]);
  }
  gateway.signal('SIGTERM');
  const { code, stdout, stderr } = await gateway.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.match(/is ready/g)).toHaveLength(1);
  expect(stdout.match(/"msg":"stopped"/g)).toHaveLength(1);
});

test('a worker that is killed under load costs its own requests alone, and another one takes its place', async () => {
  const gateway = await startWorkers();
  const clients = Array.from({ length: 8 }, (_, number) => {
    const operation = `Client${number}`;
    return {
      ...startClient(
        gateway.url,
        [1, 2, 3, 4, 5].map((step) => fansOf(operation, number * 5 + step)),
      ),
      operation,
    };
  });
  await Promise.all(clients.map((client) => client.answered(5)));
  const at = await Promise.all(clients.map(({ operation }) => workerOf(gateway, operation)));
  const ofWorker = (worker: number) => clients.filter((_, index) => at[index] === worker);
  expect(WORKERS.map((worker) => ofWorker(worker).length)).not.toContain(0);

  process.kill(await pidOf(gateway, 1), 'SIGKILL');
  expect(await Promise.all(ofWorker(1).map(({ ended }) => ended))).toEqual(ofWorker(1).map(() => 'ECONNRESET'));
  await Promise.all(ofWorker(2).map((client) => client.answered(20)));
  await pidOf(gateway, 1, 2);
  await connectToEach(gateway);
  const answers = clients.flatMap((client) => client.answers);
  expect(answers.filter(({ status, body }) => status !== 200 || /"errors"|"fans":null/.test(body))).toEqual([]);
  await gateway.said(/"worker":1,"pid":\d+,"code":null,"signal":"SIGKILL".*a worker has died/);
});

test('who is on the way to a worker that is killed is let go, and whoever comes later is served', async () => {
  const gateway = await startWorkers();
  const pid = await pidOf(gateway, 1);
  process.kill(pid, 'SIGSTOP');
  const { origin } = new URL(gateway.url);
  // Workers take turns: one of the first two is handed to who stands still, all others to its fellow.
  const coming = [1, 2, 3, 4].map(() => post(origin, '{ __typename }', new Agent()).catch(({ code }) => code));
  await expect.poll(async () => (await Promise.all(coming.map(settled))).filter(Boolean).length).toBe(3);
  process.kill(pid, 'SIGKILL');
  const ends = await Promise.all(coming);
  expect(ends.filter((end) => end === 'ECONNRESET')).toHaveLength(1);
  expect(ends.filter((end) => end.status === 200)).toHaveLength(3);
});

test('SIGTERM under load drops no request, and all workers end well', async () => {
  const gateway = await startWorkers();
  await armFaults(gateway.sandboxUrl, { latency: { ms: 200, commands: ['portrait_get'] } });
  const clients = Array.from({ length: 16 }, (_, number) =>
    startClient(
      gateway.url,
      number < 2
        ? ['{ user(id: "user_00001") { nick } }']
        : [1, 2, 3, 4, 5].map((step) => fansOf('Fans', number * 5 + step)),
    ),
  );
  await Promise.all(clients.map((client) => client.answered(3)));
  gateway.signal('SIGTERM');
  while ((await fetch(`${gateway.url}/health/ready`)).ok);
  const answered = () => clients.flatMap((client) => client.answers);
  const before = answered().length;
  expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(clients.map(() => 'ECONNREFUSED'));
  expect(answered().length).toBeGreaterThan(before);
  expect(answered().filter(({ status, body }) => status !== 200 || /"errors"|"fans":null/.test(body))).toEqual([]);
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('a second signal ends all workers at once with 1', { timeout: 20_000 }, async () => {
  const gateway = await startWorkers({ SHUTDOWN_DRAIN_MS: '120000' });
  const pids = await Promise.all(WORKERS.map((worker) => pidOf(gateway, worker)));
  gateway.signal('SIGTERM');
  await gateway.said(/"msg":"stopping/);
  gateway.signal('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 1, signal: null, stderr: '' });
  for (const pid of pids) await gone(pid);
});

test('workers whose first process is killed leave by themselves', async () => {
  const { settings } = await startSandbox();
  const gateway = await startWorkersOn(settings);
  const pids = await Promise.all(WORKERS.map((worker) => pidOf(gateway, worker)));
  gateway.signal('SIGKILL');
  // They hold its output open until then.
  expect(await gateway.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  for (const pid of pids) await gone(pid);
});

test.each([
  ['0', /^1 setting is wrong:\n {2}WORKERS must be auto, or a whole number between 1 and 64\n/],
  ['65', /WORKERS must be auto/],
  ['two', /WORKERS must be auto/],
])('WORKERS=%s ends with 78', async (WORKERS, complaint) => {
  const { code, stdout, stderr } = await run([], { WORKERS });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(complaint);
});

test.each<[string, Record<string, string>, RegExp]>([
  ['the first process finds', { PORT: 'http' }, /^1 setting is wrong:\n {2}PORT must be a whole number\n/],
  [
    'only a worker finds',
    { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: '/nowhere.json' },
    /^1 setting is wrong:\n {2}TRUSTED_DOCUMENTS_PATH/,
  ],
])('a wrong setting that %s is told once, and ends all with 78', async (_title, env, complaint) => {
  const { code, stdout, stderr } = await run([], { WORKERS: '2', PORT: '0', ...env });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(complaint);
  expect(stderr.match(/wrong/g)).toHaveLength(1);
});

test.each(['PORT', 'METRICS_PORT'])('a %s that is taken ends all with 1 and one line', async (setting) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const port = String((server.address() as AddressInfo).port);
  const { code, stderr } = await run([], { WORKERS: '2', PORT: '0', [setting]: port });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken\\. Set ${setting} and HOST.*\n$`),
  );
});

/** Resolves when there is no such process any more. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whether it is known by now how `outcome` ends. */
const settled = (outcome: Promise<unknown>): Promise<boolean> =>
  Promise.race([outcome.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
