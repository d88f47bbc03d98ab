// The contract as clients install it: apps in a folder of their own, which have the packed package and the code of CLIENTS.md.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import compiler from 'relay-compiler';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { change, openStar, openSubscriptions, type Star } from '../clients/lists.ts';
import { ROOT } from '../process/start-process.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'contract-apps-'));
const CONTRACT = 'node_modules/follow-gateway-contract';
/** What the apps install beside the contract. */
const LIBRARIES = [
  '@apollo/client',
  '@graphql-typed-document-node/core',
  '@types/node',
  '@types/ws',
  '@urql/core',
  '@urql/exchange-graphcache',
  'gql.tada',
  'graphql',
  'graphql-ws',
  'relay-runtime',
  'rxjs',
  'ws',
];
const COMPILER_OPTIONS = { noEmit: true, strict: true, target: 'es2024', lib: ['es2024', 'dom'], skipLibCheck: false };

const run = promisify(execFile);
const inFolder = { cwd: FOLDER };
const write = (path: string, text: string) => writeFileSync(join(FOLDER, path), text);

beforeAll(async () => {
  const packed = await run('npm', ['pack', '--json', '--pack-destination', FOLDER], { cwd: join(ROOT, 'schema') });
  mkdirSync(join(FOLDER, CONTRACT), { recursive: true });
  const [, name = ''] = /"filename": "(.*?)"/.exec(packed.stdout) ?? [];
  await run('tar', ['-xzf', name, '--strip-components=1', '-C', CONTRACT], inFolder);
  for (const library of LIBRARIES) {
    mkdirSync(dirname(join(FOLDER, 'node_modules', library)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', library), join(FOLDER, 'node_modules', library));
  }
  cpSync(join(ROOT, 'test/contract/apps'), FOLDER, { recursive: true });
  const double = readFileSync(join(ROOT, 'test/clients/wx.ts'), 'utf8');
  write('wx.ts', double.replace('../../schema/client/mini-program.ts', 'follow-gateway-contract/mini-program'));
  const page = readFileSync(join(FOLDER, CONTRACT, 'CLIENTS.md'), 'utf8');
  for (const [, code = '', path = ''] of page.matchAll(/^```[jt]s\n(\/\/ ([\w.-]+)\n.*?)^```/gms)) write(path, code);
  write('package.json', '{ "type": "module" }');
  await run(compiler, [], inFolder);
});
afterAll(() => rmSync(FOLDER, { recursive: true }));

test('apps compile with the resolutions of Node and of bundlers, gql.tada’s types too, and wrong types do not', async () => {
  const ways = [
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ];
  const found = ways.map(async (way) => {
    const config = `tsconfig.${way.module}.json`;
    const compilerOptions = { ...COMPILER_OPTIONS, ...way, allowImportingTsExtensions: true };
    write(config, JSON.stringify({ compilerOptions, include: ['*.ts', 'src'] }));
    const { stdout } = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', config], inFolder).catch(
      (failed) => failed,
    );
    // Libraries have faults of their own, outside of the folder.
    return stdout.split('\n').filter((line: string) => line !== '' && !line.startsWith('..'));
  });
  expect(await Promise.all(found)).toEqual([[], []]);
});

test('publint has nothing to say of the package, and packing leaves nothing behind', async () => {
  const { messages } = await publint({ pkgDir: join(FOLDER, CONTRACT), strict: true, pack: false });
  expect(messages).toEqual([]);
  expect(existsSync(join(ROOT, 'schema/dist'))).toBe(false);
});

async function runApp(name: string): Promise<void> {
  const star = await openStar();
  star.sandbox.world.importAccount('newcomer', { Tag_Profile_IM_Nick: 'Newcomer' });
  const members = star.membersOf('fans');
  const expectedRest = RESTS[name]?.(star);
  const app = run(process.execPath, ['--import', './resolving.ts', `${name}-app.ts`, `${star.url}/graphql`], inFolder);
  await Promise.race([app, expect.poll(() => openSubscriptions(star), { timeout: 100_000 }).toBe(1)]);
  await change(star, 'newcomer', 'follow');
  const { rest, ...shown } = JSON.parse((await app).stdout);
  expect(shown, name).toEqual({ button: [false, true, true], members, afterEvent: ['newcomer', members[0]] });
  expect(rest, name).toEqual(expectedRest);
}

test('apps with Apollo, urql, Relay and in a mini program page a list to its end, press a follow button, and show a new fan as it comes', {
  timeout: 120_000,
}, async () => {
  await Promise.all(['apollo', 'urql', 'relay', 'mini-program'].map(runApp));
});

const variables = { userId: 'star' };
const NO_SUCH_USER = {
  ok: false,
  errors: [{ extensions: expect.objectContaining({ code: 'USER_NOT_FOUND' }) }],
};
const FORGED = {
  errors: [expect.objectContaining({ path: ['user', 'fans'], extensions: { code: 'INVALID_CURSOR' } })],
  user: expect.objectContaining({ id: 'star', fans: null }),
};

/** What an app shows beside: the other lists, what is searched, what fails, and what an event changes. */
const RESTS: Record<string, (star: Star) => object> = {
  relay: (star) => ({
    shownAtOnce: ['available', 'missing'],
    caught: { id: 'nobody', nick: NO_SUCH_USER, viewerIsFollowing: NO_SUCH_USER },
    event: {
      newcomer: expect.objectContaining({ nick: 'Newcomer', viewerIsFollowing: false }),
      ...{ fansCount: 346, loaded: 41 },
    },
    knownFans: star.membersOf('knownFans'),
    searched: [star.sortedFollows(), star.sortedFollows()],
    persisted: [
      { query: '', doc_id: 'abc', variables },
      { query: 'text', variables },
    ],
  }),
  urql: (star) => ({
    viewerFollows: ['crowd_000344', star.sandbox.world.list('anna', 'follows')[0]?.id],
    searched: star.sortedFollows(),
  }),
  apollo(star) {
    const lists = {
      follows: star.membersOf('follows'),
      mutuals: star.membersOf('mutuals'),
      // By then anna follows one more.
      knownFans: ['crowd_000344', ...star.membersOf('knownFans')],
    };
    const pages = Object.values(lists).reduce((sum, { length }) => sum + Math.ceil(length / 20), 0);
    return {
      fromMiddle: 41,
      methods: Array(pages + 2).fill('GET'),
      lists,
      searched: star.sortedFollows(),
      parts: 2,
      identity: { node: { __typename: 'User', id: 'star' } },
      failures: [FORGED, FORGED],
      event: {
        top: expect.objectContaining({
          followedAt: expect.any(String),
          node: expect.objectContaining({ nick: 'Newcomer' }),
        }),
        totals: [346, expect.objectContaining({ totalCount: 346, edges: [expect.anything()] })],
        afterLoss: [345, 345],
      },
    };
  },
};
