// Bringing an app's own graph: everything once, in order, and nothing lost by a kill.
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ask } from '../process/start-process.ts';
import { busiestSecond } from '../support/busiest-second.ts';
import { startRedis } from '../support/redis.ts';
import { startImport } from './start-import.ts';

const UNPACED = { UPSTREAM_RATE: '100000' };
const csv = (head: string, rows: readonly string[]) => `${[head, ...rows].join('\n')}\n`;
const name = (kind: string, n: number) => `${kind}_${String(n).padStart(6, '0')}`;

/** Every hundredth line is a fan of the star; in the others 5,000 people follow up to twenty each. */
const EDGES = Array.from({ length: 100_000 }, (_, n) =>
  n % 100 === 0
    ? { from: name('fan', n), to: 'star' }
    : { from: name('reader', Math.floor(n / 20)), to: name('other', n % 20) },
);

test('100,000 follows, killed in the middle and run again: each once, in order, at most a batch twice, and all of them once', {
  timeout: 60_000,
}, async () => {
  const { world, calls, path, start } = await startImport({ rateLimits: Number.POSITIVE_INFINITY });
  for (const id of new Set(EDGES.flatMap(({ from, to }) => [from, to]))) world.importAccount(id);
  const file = path('follows.csv');
  const rows = EDGES.map(({ from, to }) => `${from},${to}`);
  await writeFile(file, csv('from,to', rows));
  const isDone = ({ from, to }: { from: string; to: string }) => world.followTime(from, to) !== undefined;
  const run = () => start(['import', 'follows', file], UNPACED);

  const killed = run();
  await expect.poll(() => world.counts('star').fans, { timeout: 30_000, interval: 5 }).toBeGreaterThan(500);
  killed.signal('SIGKILL');
  expect((await killed.ended).signal).toBe('SIGKILL');
  const { line } = JSON.parse(await readFile(`${file}.progress`, 'utf8')) as { line: number };
  expect(EDGES.slice(0, line - 1).every(isDone)).toBe(true);
  const twice = EDGES.slice(line - 1).filter(isDone);
  expect(twice.length).toBeLessThanOrEqual(640);

  const stdout = `Goes on after line ${line}.\n100000 lines are imported, 0 are refused.\n`;
  expect(await run().ended).toMatchObject({ code: 0, stdout, stderr: '' });
  expect(EDGES.every(isDone)).toBe(true);
  const follows = Array.from(new Set(EDGES.map(({ from }) => from)), (fan) => world.counts(fan).follows);
  expect(follows.reduce((sum, count) => sum + count, 0)).toBe(EDGES.length);

  const times = EDGES.filter(({ to }) => to === 'star').map(({ from }) => Number(world.followTime(from, 'star')));
  // Of 640 lines at most 7 are the star's: no fan stands behind one of an earlier batch.
  expect(times.filter((time, n) => time < (times[n - 7] ?? 0))).toEqual([]);
  expect(times.at(-1)).toBeGreaterThan(times[0] as number);

  const sent = calls.count();
  expect((await run().ended).code).toBe(0);
  expect(calls.count()).toBe(sent);
});

test('beside a gateway both keep to one budget, of which clients never lack', { timeout: 60_000 }, async () => {
  const { url: REDIS_URL } = await startRedis();
  const { world, calls, path, start } = await startImport();
  const ids = Array.from({ length: 400 }, (_, n) => name('fan', n));
  const idols = Array.from({ length: 4000 }, (_, n) => name('idol', n));
  for (const id of ['star', 'anna', ...ids, ...idols]) world.importAccount(id);
  const rows = ids.map((id) => `${id},star`);
  await writeFile(path('follows.csv'), csv('from,to', rows));
  const gateway = start([], { REDIS_URL, AUTH: 'development', PORT: '0', METRICS_PORT: '0' });
  const [, metrics = ''] = await gateway.said(/"url":"(http:[^"]+\/metrics)"/);
  const [, url = ''] = await gateway.said(/GraphiQL +(http:\S+)\/graphql/);

  let isRunning = true;
  const importing = start(['import', 'follows', path('follows.csv')], { REDIS_URL }).ended.finally(() => {
    isRunning = false;
  });
  let changes = 0;
  for (; isRunning && changes < idols.length; changes++) {
    const query = `mutation { followUsers(input: { userIds: ["${idols[changes]}"] }) { results { __typename } } }`;
    const followed = { data: { followUsers: { results: [{ __typename: 'FollowChanged' }] } } };
    expect(await ask(url, query, { 'x-viewer-id': 'anna' })).toEqual(followed);
  }
  expect(await importing).toMatchObject({ code: 0, stdout: '400 lines are imported, 0 are refused.\n' });
  expect(world.counts('star').fans).toBe(400);
  expect(changes).toBeGreaterThan(20);
  const refused = /^follow_gateway_budget_refused_total\{command="follow_add",priority="interactive"\} (\d+)/m;
  expect(refused.exec(await (await fetch(metrics)).text())?.[1]).toBe('0');
  // The upstream's own limit: a busy machine brings calls nearer together on their way than they were sent.
  expect(busiestSecond(calls.times('follow_add'))).toBeLessThanOrEqual(200);
});

test('an import alone leaves a fifth of the budget to clients', async () => {
  const { world, calls, importCsv } = await startImport();
  const ids = Array.from({ length: 60 }, (_, n) => name('fan', n));
  for (const id of ['star', ...ids]) world.importAccount(id);
  const lines = ids.map((id) => `${id},star`);
  expect(await importCsv('follows', csv('from,to', lines), { UPSTREAM_RATE: '20' })).toMatchObject({ isWhole: true });
  // 16 of 20 a second: the last ones begin in the fourth second instead of the third.
  const times = calls.times('follow_add');
  expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThan(2600);
});

test('lines that cannot be right and follows that are refused are told by their numbers, and the rest goes on', async () => {
  const { world, faults, importCsv } = await startImport();
  for (const id of ['anna', 'bert', 'cleo', 'star']) world.importAccount(id);
  faults.set({ itemFailure: { ids: ['star'], code: 32101 } });
  const rows = ['anna,bert', 'anna,anna', 'anna,b ert', 'anna', '"anna', 'anna,nobody', 'nobody,bert', '', 'cleo,star'];
  const { isWhole, printed } = await importCsv('follows', csv('from,to', [...rows, '"bert","anna"', 'anna,bert']));
  expect(printed.split('\n')).toEqual([
    'line 3: nobody follows themselves',
    'line 4: "b ert" cannot be a UserID',
    'line 5: has 1 cells, not 2',
    'line 6: is no CSV',
    'line 7: There is no account "nobody". (30003)',
    'line 8: The app has no account "nobody", in whose name is asked. (30003)',
    'line 10: FAN_LIMIT_REACHED',
    '3 lines are imported, 7 are refused.',
    '',
  ]);
  expect(isWhole).toBe(false);
  expect(world.list('anna', 'follows').map(({ id }) => id)).toEqual(['bert']);
  expect(world.list('bert', 'follows').map(({ id }) => id)).toEqual(['anna']);
});

test('250 accounts take 3 calls, with nicks that have commas and quotation marks; one that is refused stands alone', async () => {
  const { world, calls, faults, importCsv } = await startImport();
  world.importAccount('user_000001', { Tag_Profile_IM_Nick: 'Old', Tag_Profile_IM_Level: 3 });
  faults.set({ itemFailure: { ids: ['user_000200'], code: 40006 } });
  const rows = Array.from({ length: 250 }, (_, n) => `${name('user', n)},"Nick ""${n}"", the ${n}th",`);
  const file = `\uFEFF${csv('id,nick,avatar', rows).replaceAll('\n', '\r\n')}`;
  expect(await importCsv('accounts', file)).toEqual({
    isWhole: false,
    printed: 'line 202: The upstream does not import "user_000200".\n249 lines are imported, 1 are refused.\n',
  });
  expect(calls.count('multiaccount_import')).toBe(3);
  expect(world.profile('user_000001')?.items).toEqual([
    { Tag: 'Tag_Profile_IM_Nick', Value: 'Nick "1", the 1th' },
    { Tag: 'Tag_Profile_IM_Level', Value: 3 },
  ]);
});

test('a nick that the upstream refuses costs its own line alone', async () => {
  const { world, calls, faults, importCsv } = await startImport();
  faults.set({ error: { code: 40005, commands: ['multiaccount_import'], times: 2 } });
  const { printed } = await importCsv('accounts', csv('id,nick', ['anna,rude', 'bert,Bert']));
  expect(printed).toMatch(/^line 2: The upstream does not allow this. \(40005\)\n1 lines are imported, 1 are refused/);
  expect([world.has('anna'), world.has('bert'), calls.count('multiaccount_import')]).toEqual([false, true, 3]);
});

test('an import that the upstream restricts without an end stops', async () => {
  const { world, faults, importCsv } = await startImport();
  for (const id of ['anna', 'bert']) world.importAccount(id);
  faults.set({ error: { code: 70114, commands: ['follow_add'] } });
  const { stopped } = await importCsv('follows', csv('from,to', ['anna,bert']));
  expect(stopped).toMatch(/^Stopped before line 2: .*70114/);
});

test('an import waits while the upstream fails, and stops where it is when only an operator can help', async () => {
  const { world, faults, importCsv } = await startImport();
  for (const id of ['anna', 'bert']) world.importAccount(id);
  faults.set({ answerLost: { commands: ['follow_add'], times: 1 } });
  const file = csv('from,to', ['anna,bert', 'bert,anna']);
  expect(await importCsv('follows', file)).toEqual({
    isWhole: true,
    printed: '2 lines are imported, 0 are refused.\n',
  });
  world.importAccount('cleo');
  faults.set({ error: { code: 30005, commands: ['follow_add'] } });
  const complaint = /^Stopped before line 2: .*30005.*\n?.*switch Friends and Relationship[\s\S]*Run it again/;
  const stopped = { printed: '', stopped: expect.stringMatching(complaint) };
  expect(await importCsv('follows', `${file}cleo,anna\n`)).toEqual(stopped);
  faults.reset();
  expect(await importCsv('follows', `${file}cleo,anna\n`)).toMatchObject({ isWhole: true });
});

test.each([
  ['names no columns', Buffer.from('anna,bert\n'), /first line of .*follows.csv must name the columns from,to/],
  ['names a column twice', Buffer.from('from,to,to,,\nanna,bert,cleo,,\n'), /must name the columns from,to, each once/],
  ['is not UTF-8', Buffer.from('from,to\nanna,\xe9\n', 'latin1'), /is not UTF-8/],
  ['has no room for its progress', Buffer.from('from,to\nanna,bert\n'), /^.*progress cannot be written: E/],
])('a file that %s is refused before any call', async (title, content, complaint) => {
  const { calls, path, importCsv } = await startImport();
  if (title.includes('progress')) await mkdir(path('follows.csv.progress'));
  expect(await importCsv('follows', content)).toEqual({ stopped: expect.stringMatching(complaint), printed: '' });
  expect(calls.count()).toBe(0);
});

test('a file that is too large for one text is refused with what to do, unread', async () => {
  const { path, imported } = await startImport();
  await writeFile(path('follows.csv'), 'from,to\n');
  await truncate(path('follows.csv'), 2 ** 29);
  expect(await imported('follows')).toMatchObject({ stopped: expect.stringMatching(/csv is too large: split it/) });
});

test('the processes end with 0 or 1, and print what they did apart from why they stopped', async () => {
  const { world, path, start } = await startImport();
  for (const id of ['anna', 'bert']) world.importAccount(id);
  world.follow('anna', 'bert', 1_700_000_000);
  await writeFile(path('refused.csv'), csv('from,to', ['anna,anna']));
  await writeFile(path('nameless.csv'), csv('anna,bert', []));
  const commands = [
    ['import', 'follows', path('refused.csv')],
    ['import', 'follows', path('nameless.csv')],
    ['export', 'anna'],
    ['export', 'anna', '--format', 'json'],
  ];
  expect(await Promise.all(commands.map((args) => start(args).ended))).toMatchObject([
    { code: 1, stdout: 'line 2: nobody follows themselves\n0 lines are imported, 1 are refused.\n', stderr: '' },
    {
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^The first line of .* must name the columns from,to, each once\.\n$/),
    },
    { code: 0, stdout: 'from,to,followedAt\nanna,bert,2023-11-14T22:13:20.000Z\n', stderr: '' },
    { code: 0, stdout: expect.stringMatching(/^\[\n {2}\{\n {4}"from": "anna",/), stderr: '' },
  ]);
});

test('the CSV that export prints fills another app with the same follows, oldest first', async () => {
  const { world, exported, faults } = await startImport();
  for (const [n, id] of ['anna', 'bert', 'cleo'].entries()) {
    world.importAccount(id);
    if (n > 0) world.follow(id, 'anna', 1_700_000_000 + n);
  }
  world.follow('anna', 'cleo', 1_700_000_009);
  faults.set({ shortPages: { keep: 1 }, error: { code: 60022, commands: ['follow_get'], times: 3 } });
  const file = await exported('anna');
  const rows = [
    ['anna', 'cleo', 29],
    ['bert', 'anna', 21],
    ['cleo', 'anna', 22],
  ] as const;
  const follows = rows.map(([from, to, second]) => ({ from, to, followedAt: `2023-11-14T22:13:${second}.000Z` }));
  expect(file).toBe(
    csv(
      'from,to,followedAt',
      follows.map((follow) => Object.values(follow).join()),
    ),
  );
  expect(JSON.parse(await exported('anna', 'json'))).toEqual(follows);
  const other = await startImport();
  for (const id of ['anna', 'bert', 'cleo']) other.world.importAccount(id);
  expect(await other.importCsv('follows', file)).toMatchObject({ isWhole: true });
  expect(other.world.counts('anna')).toEqual({ fans: 2, follows: 1, mutuals: 1 });
  await expect(exported('nobody')).rejects.toThrow('There is no account "nobody".');
});
