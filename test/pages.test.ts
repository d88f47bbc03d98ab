// The documents against the code: everything that they name exists.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeSettings } from '../src/config.ts';

const ROOT = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const PAGES = [
  'README.md',
  'schema/README.md',
  'schema/CLIENTS.md',
  'deploy/README.md',
  'src/README.md',
  'src/DECISIONS.md',
];
/** Words in capitals that are neither settings nor part of the schema. */
const OTHERS = ['NETWORK_FAILED', 'FUZZ_SEED', 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE', 'POSITIVE_INFINITY'];
/** Codes that Yoga gives. */
const YOGA_CODES = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'OPERATION_RESOLUTION_FAILURE', 'BAD_REQUEST'];

test.each(PAGES)('%s links to files that exist', (page) => {
  const links = Array.from(read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g), ([, path = '']) => path);
  expect(links.filter((path) => !existsSync(new URL(path, new URL(page, ROOT))))).toEqual([]);
});

test('src/README.md names files and folders that exist', () => {
  const names = Array.from(read('src/README.md').matchAll(/`([\w/-]+(?:\.ts|\/))`/g), ([, name = '']) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !existsSync(new URL(`src/${name}`, ROOT)))).toEqual([]);
});

test.each(PAGES.slice(0, 5))('%s names settings, error codes and enum values that exist', (page) => {
  const settings = describeSettings().map(({ name }) => name);
  const contract = ['src/errors.ts', 'src/server/public-answer.ts', 'schema/schema.graphql'].map(read).join('');
  const names = new Set(read(page).match(/\b[A-Z]{2,}(_[A-Z]+)+\b/g));
  const known = [...settings, ...OTHERS, ...YOGA_CODES];
  expect(
    [...names].filter((name) => !known.includes(name) && !name.startsWith('OTEL_') && !contract.includes(name)),
  ).toEqual([]);
});

test('the commands of the documents are npm scripts, which bring their own Node', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const blocks = PAGES.flatMap((page) =>
    Array.from(read(page).matchAll(/```sh\n(.*?)```/gs), ([, block = '']) => block),
  );
  const commands = blocks.flatMap((block) => block.split('\n'));
  const used = commands.flatMap((line) => /\bnpm (?:run )?(start|test|[a-z:]+)/.exec(line)?.slice(1) ?? []);
  expect(used).toEqual(expect.arrayContaining(['start', 'cit']));
  const known = [...Object.keys(scripts), 'ci', 'cit', 'create', 'install'];
  expect(used.filter((name) => !known.includes(name))).toEqual([]);
  expect(commands.filter((line) => /^(npx |node )|src\/main\.ts/.test(line))).toEqual([]);
});

test('the servers that benches compare with are a package of their own, which an install of the gateway leaves out', () => {
  const dependenciesOf = (path: string) => {
    const { dependencies, devDependencies } = JSON.parse(read(path)) as Record<string, object | undefined>;
    return Object.keys({ ...dependencies, ...devDependencies });
  };
  const rivals = dependenciesOf('test/bench/peers/package.json').filter((name) =>
    /fastify|mercurius|server|jit/.test(name),
  );
  expect(rivals.length).toBeGreaterThan(2);
  expect(dependenciesOf('package.json').filter((name) => rivals.includes(name))).toEqual([]);
});

test('deploy/README.md names metrics that exist', () => {
  const code = globSync('src/**/*.ts', { cwd: ROOT }).map(read).join('\n');
  const names = new Set(
    Array.from(read('deploy/README.md').matchAll(/\bfollow_gateway_([a-z_]+)/g), ([, name]) => name),
  );
  expect([...names].filter((name) => !code.includes(`'${name}'`))).toEqual([]);
});

test('comments cite parts of CONTRACT.md that exist', () => {
  const contract = read('src/tencent/CONTRACT.md');
  const parts = new Set(Array.from(contract.matchAll(/^(?:#+|\|) (U?\d[\d.]*)/gm), ([, part]) => part));
  const code = globSync('{src,test}/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .map(read)
    .join('\n');
  const citations = code.matchAll(/CONTRACT ((?:U?\d+(?:\.\d+)?(?:, | to | and )?)+)/g);
  const cited = Array.from(citations, ([, list = '']) => list.match(/\bU?\d{1,2}(\.\d+)?\b/g) ?? []);
  expect(cited.flat().filter((part) => !parts.has(part))).toEqual([]);
});
