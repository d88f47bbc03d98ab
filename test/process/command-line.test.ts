// What somebody meets who starts the process by hand: commands, options, exit codes.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { subscribe } from '../support/event-stream.ts';
import { openSandbox } from '../support/sandbox.ts';
import { ask, outcomesOf, ROOT, run, start, startEmbedded, startSandbox } from './start-process.ts';

/** How many processes start at once. */
const AT_ONCE = 6;
const FANS_COUNT = '{ user(id: "UserID_001") { fansCount } }';

test('help explains every command; version and schema are printed alone', async () => {
  const [help, h, version, schema] = await Promise.all(
    [['--help'], ['-h'], ['--version'], ['schema']].map((args) => run(args)),
  );
  for (const word of ['serve', 'sandbox', 'schema', 'check', 'import', 'export', 'purge', '--lively'])
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^  ${word} `, 'm')), stderr: '' });
  expect(h).toEqual(help);
  expect(version).toMatchObject({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  const text = readFileSync(`${ROOT}/schema/schema.graphql`, 'utf8');
  expect(schema).toMatchObject({ code: 0, stdout: text, stderr: '' });
});

test('a result goes out whole: what the disk does not take is a failure, and a reader that has read enough is none', async () => {
  const shell = (script: string) => start([], { command: ['sh', '-c', script, process.execPath] }).ended;
  const full = await shell('"$0" src/main.ts schema > /dev/full');
  expect(full).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ENOSPC: .+\n$/) });
  const script = '{ "$0" src/main.ts schema; echo "$?" >&2; } | true';
  expect(await shell(script)).toMatchObject({ code: 0, stdout: '', stderr: '0\n' });
  const { settings, world } = await openSandbox({ people: 3 });
  // More than a pipe has room for.
  world.importAccount('idol');
  world.addFans('idol', 5000);
  const exported = await run(['export', 'idol'], settings);
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  expect(exported.stdout.match(/,idol,/g)).toHaveLength(5000);
});

const SECRET_KEY = 'a-secret-key-that-is-long-enough';
const MISTAKES: [title: string, args: string[], complaint: RegExp, env?: Record<string, string>][] = [
  ['an unknown command', ['fly'], /no command "fly"/],
  ['a second command', ['schema', 'check'], /no command "schema check"/],
  ['a command named after a property of objects', ['toString'], /no command "toString"/],
  ['an unknown option', ['--loud'], /--loud/],
  ['a port that is no number', ['sandbox', '--port', 'x'], /--port must be a whole number/],
  ['a port that is out of range', ['sandbox', '--port', '65536'], /--port must be a whole number/],
  ['an empty port', ['sandbox', '--port='], /--port must be a whole number/],
  ['a port without a value', ['sandbox', '--port'], /--port/],
  ['a port for the gateway', ['serve', '--port', '5000'], /PORT/],
  ['life where there is no sandbox', ['check', '--lively'], /--lively belongs to serve and sandbox/],
  ['a purge of nobody', ['purge'], /ids of users, or --all/],
  ['a purge of somebody and everybody', ['purge', 'anna', '--all'], /ids of users, or --all/],
  ['an import of nothing', ['import', 'follows'], /follows or accounts, and a file/],
  ['an import of something else', ['import', 'fans', 'fans.csv'], /follows or accounts, and a file/],
  ['an export of two', ['export', 'anna', 'bert'], /id of one user/],
  ['an export as something else', ['export', 'anna', '--format', 'xml'], /must be csv or json/],
  ['everybody, without a purge', ['check', '--all'], /--all belongs to purge/],
  ['life before an upstream', ['--lively'], /--lively .*sandbox/, { TENCENT_SECRET_KEY: SECRET_KEY }],
  ['life before a misspelt upstream', ['--lively'], /--lively .*sandbox/, { TENCENT_REGOIN: 'x' }],
  ['life in production', ['--lively'], /--lively .*sandbox/, { NODE_ENV: 'production' }],
  ['a sandbox where nothing is served', ['check', '--sandbox'], /--sandbox belongs to serve/],
];
test('every mistake on the command line ends with 64, a word on it and the usage', async () => {
  const makeMistake = async ([title, args, complaint, env]: (typeof MISTAKES)[number]) => {
    const { code, stdout, stderr } = await run(args, env);
    expect({ code, stdout }, title).toEqual({ code: 64, stdout: '' });
    expect(stderr.split('\n')[0], title).toMatch(complaint);
    expect(stderr, title).toContain('Usage: node src/main.ts [command]');
    expect(stderr, title).not.toMatch(/^ +at |a-secret-key/m);
  };
  for (let n = 0; n < MISTAKES.length; n += AT_ONCE) await Promise.all(MISTAKES.slice(n, n + AT_ONCE).map(makeMistake));
});

test('with nothing set, the process brings its own upstream: the query that it prints works, the header that it names picks the viewer, and a custom field shows', async () => {
  const blank = { AUTH: ' ', WEBHOOK_TOKEN: '', PROFILE_CUSTOM_FIELDS: '' };
  const starts = [
    start(['--or-sandbox'], { env: { PORT: '0' } }),
    start(['--sandbox'], { env: { PORT: '0', ...blank } }),
  ];
  const looks = starts.map(async (gateway) => {
    const [, address = ''] = await gateway.said(/GraphiQL +(\S+)/);
    const [, header = '', id = ''] = await gateway.said(/the header (\S+) names one, such as (\S+)/);
    const [, printed = ''] = await gateway.said(/A query +(.+)\n/);
    const page = await fetch(address, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const { origin } = new URL(address);
    const fans = { totalCount: 2, nodes: [{ nick: 'NickNameTest2' }, { nick: 'NickNameTest3' }] };
    expect(await ask(origin, printed)).toEqual({ data: { user: { nick: 'NickNameTest1', fans } } });
    const user = { customFields: [{ key: 'Test' }] };
    const query = '{ viewer { id } user(id: "UserID_002") { customFields { key } } }';
    expect(await ask(origin, query)).toEqual({ data: { viewer: null, user } });
    expect(await ask(origin, query, { [header]: id })).toEqual({ data: { viewer: { id }, user } });
  });
  await Promise.all(looks);
});

test('an AUTH that is set decides alone who is believed; with --lively a subscriber hears of a fan within seconds', async () => {
  const gateway = await startEmbedded({ AUTH: 'usersig' }, ['--lively']);
  const [welcome] = await gateway.said(/[\s\S]*Stop with/);
  expect(welcome).not.toContain('x-viewer-id');
  expect(await ask(gateway.url, '{ viewer { id } }', { 'x-viewer-id': 'user_00001' })).toEqual({
    data: { viewer: null },
  });
  const events = await subscribe(gateway, 'subscription { followEvents(userId: "UserID_001") { __typename } }');
  const kind = expect.stringMatching(/^Fan(Gained|Lost)$/);
  expect(await events.answer()).toEqual({ data: { followEvents: { __typename: kind } } });
});

test('a change in the sandbox is told to the gateway, which shows it at once and prints no token', async () => {
  const { url, sandboxUrl, signal, ended } = await startEmbedded();
  const countOf = async () => (await ask(url, FANS_COUNT)).data;
  expect(await countOf()).toEqual({ user: { fansCount: 2 } });
  const change = { op: 'follow', from: 'hermit', to: 'UserID_001' };
  await fetch(`${sandboxUrl}/sandbox/world`, { method: 'POST', body: JSON.stringify(change) });
  await expect.poll(() => outcomesOf(sandboxUrl)).toEqual(['answered']);
  await expect.poll(countOf).toEqual({ user: { fansCount: 3 } });
  signal('SIGTERM');
  const { stdout, stderr } = await ended;
  expect(stdout).toContain('"msg":"stopped"');
  expect(stdout + stderr).not.toMatch(/Sign=|\b[0-9a-f]{32}\b/);
});

test('without a terminal, on another host than loopback, and with settings that are all blank, no made-up people are served unless they are asked for by name', async () => {
  const stderr = expect.stringMatching(/TENCENT_SDK_APP_ID, .* are missing; made-up people are served by --sandbox/);
  const refused = { code: 78, stdout: '', stderr };
  const runs = [
    run([], { PORT: '0' }),
    run(['--or-sandbox'], { PORT: '0', HOST: '0.0.0.0' }),
    run([], { PORT: '0', TENCENT_REGION: ' ' }),
  ];
  expect(await Promise.all(runs)).toMatchObject([refused, refused, refused]);
});

test('in production nothing set is a mistake, not a sandbox: all that is wrong is said in one message, which ends with 78', async () => {
  const { code, stdout, stderr } = await run([], { NODE_ENV: 'production', PORT: '99999' });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  const problems = ['TENCENT_SDK_APP_ID is missing', 'TENCENT_SECRET_KEY is missing', 'PORT must', 'TENCENT_REGION is'];
  expect(stderr).toMatch(new RegExp(`^4 settings are wrong:\n${problems.map((text) => `  ${text}.*\n`).join('')}\n`));
  expect(stderr).toContain('README.md');
  expect(stderr).not.toMatch(/^ +at /m);
});

test('npm start ends with npm: a signal to npm frees the port', async () => {
  const npm = start(['start'], { command: ['npm'], env: { PORT: '0', HOME: process.env.HOME } });
  const [, url = ''] = await npm.said(/GraphiQL +(http:\S+)\/graphql/);
  expect(await ask(url, '{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  npm.signal('SIGTERM');
  await npm.ended;
  await expect.poll(() => fetch(url).catch(({ cause }) => cause.code)).toBe('ECONNREFUSED');
});

test('a second process works with the settings that a sandbox alone prints', async () => {
  const { settings } = await startSandbox();
  const gateway = start(['serve'], { env: { ...settings, PORT: '0' } });
  const [welcome, url = ''] = await gateway.said(/GraphiQL +(http:\S+)\/graphql[\s\S]*Stop with/);
  expect(welcome).not.toContain('SANDBOX');
  expect(await ask(url, FANS_COUNT)).toEqual({ data: { user: { fansCount: 2 } } });
});

test('in production the one line that tells the address is a log line, and GraphiQL is off', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const gateway = start([], { env: { ...settings, PORT: '0', NODE_ENV: 'production' } });
  const [line] = await gateway.said(/^.+\n/);
  const { msg, url, version } = JSON.parse(line);
  expect({ msg, version }).toEqual({ msg: 'ready', version: packageJson.version });
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  expect(await page.text()).not.toMatch(/<html|graphiql/i);
  expect(await ask(new URL(url).origin, FANS_COUNT)).toEqual({ data: { user: { fansCount: 2 } } });
});

test('a port that is taken and a host that does not exist end with 1 and one line that names place and setting', async () => {
  const { port } = new URL((await openSandbox({ people: 3 })).url);
  const taken = `Cannot listen on 127.0.0.1:${port}: the port is taken.`;
  const remedy = 'Set PORT and HOST, or --port for the sandbox.\n';
  const runs = [
    run(['--sandbox'], { PORT: port }),
    run(['sandbox', '--port', port]),
    run(['--sandbox'], { PORT: '0', METRICS_PORT: port }),
    run(['--sandbox'], { PORT: '0', HOST: 'nowhere.invalid' }),
  ];
  expect(await Promise.all(runs)).toMatchObject([
    { code: 1, stderr: `${taken} ${remedy}` },
    { code: 1, stderr: `${taken} ${remedy}` },
    { code: 1, stderr: `${taken} Set METRICS_PORT and HOST.\n` },
    { code: 1, stderr: expect.stringMatching(/^Cannot listen on nowhere\.invalid: .+ Set PORT and HOST.*\n$/) },
  ]);
});
