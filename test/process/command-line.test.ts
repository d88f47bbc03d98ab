// What somebody meets who starts the process by hand: commands, options, exit codes.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { openSandbox } from '../support/sandbox.ts';
import { ask, ROOT, run, start, startSandbox } from './start-process.ts';

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

const SECRET_KEY = 'a-secret-key-that-is-long-enough';
test.each<[string, string[], RegExp, Record<string, string>?]>([
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
])('%s ends with 64 and the usage', async (_title, args, complaint, env) => {
  const { code, stdout, stderr } = await run(args, env);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr.split('\n')[0]).toMatch(complaint);
  expect(stderr).toContain('Usage: node src/main.ts [command]');
  expect(stderr).not.toMatch(/^ +at |a-secret-key/m);
});

test('with nothing set, the process brings its own upstream, and the query that it prints works', async () => {
  const gateway = start(['--or-sandbox'], { env: { PORT: '0' } });
  const [, address = ''] = await gateway.said(/GraphiQL +(\S+)/);
  const [, query = ''] = await gateway.said(/A query +(.+)\n/);

  const page = await fetch(address, { headers: { accept: 'text/html' } });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const fans = { totalCount: 2, nodes: [{ nick: 'NickNameTest2' }, { nick: 'NickNameTest3' }] };
  expect(await ask(new URL(address).origin, query)).toEqual({ data: { user: { nick: 'NickNameTest1', fans } } });
});

test.each([
  ['without a terminal', [], {}],
  ['on another host than loopback', ['--or-sandbox'], { HOST: '0.0.0.0' }],
  ['with settings of which all are blank', [], { TENCENT_REGION: ' ' }],
])('%s, no made-up people are served unless they are asked for by name', async (_title, args, env) => {
  const stderr = expect.stringMatching(/TENCENT_SDK_APP_ID, .* are missing; made-up people are served by --sandbox/);
  expect(await run(args, { PORT: '0', ...env })).toMatchObject({ code: 78, stdout: '', stderr });
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
  const { settings } = await startSandbox();
  const gateway = start([], { env: { ...settings, PORT: '0', NODE_ENV: 'production' } });
  const [line] = await gateway.said(/^.+\n/);
  const { msg, url, version } = JSON.parse(line);
  expect({ msg, version }).toEqual({ msg: 'ready', version: packageJson.version });
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  expect(await page.text()).not.toMatch(/<html|graphiql/i);
  expect(await ask(new URL(url).origin, FANS_COUNT)).toEqual({ data: { user: { fansCount: 2 } } });
});

const REMEDY = 'Set PORT and HOST, or --port for the sandbox.';
test.each<[string, (port: string) => ReturnType<typeof run>, remedy: string]>([
  ['a gateway', (PORT) => run(['--sandbox'], { PORT }), REMEDY],
  ['a sandbox', (port) => run(['sandbox', '--port', port]), REMEDY],
  ['the metrics', (METRICS_PORT) => run(['--sandbox'], { PORT: '0', METRICS_PORT }), 'Set METRICS_PORT and HOST.'],
])('%s on a taken port ends with 1 and one line that names port and setting', async (_title, launch, remedy) => {
  const { port } = new URL((await openSandbox({ people: 3 })).url);
  const stderr = `Cannot listen on 127.0.0.1:${port}: the port is taken. ${remedy}\n`;
  expect(await launch(port)).toMatchObject({ code: 1, stderr });
});

test('a host that does not exist is named in one line', async () => {
  const stderr = expect.stringMatching(/^Cannot listen on nowhere\.invalid: .+ Set PORT and HOST.*\n$/);
  expect(await run(['--sandbox'], { HOST: 'nowhere.invalid', PORT: '0' })).toMatchObject({ code: 1, stderr });
});
