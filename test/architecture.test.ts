// The folders of src and which may import which, as data. Editing it is a design decision.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/**
 * Folder (or file) of `src` → folders and files that it may import, besides its own files. `types:` allows `import type`
 * alone.
 */
const MAY_IMPORT: Record<string, string> = {
  'main.ts': 'check.ts errors.ts graph/schema.ts purge.ts serve.ts transfer',
  'serve.ts': 'config.ts errors.ts settings/values.ts sandbox/sandbox.ts server.ts telemetry/log.ts',
  'check.ts': 'clock.ts config.ts errors.ts redis server.ts telemetry/log.ts tencent',
  'server.ts': `
    auth clock.ts types:config.ts context.ts domain.ts errors.ts graph redis report.ts server span.ts telemetry
    tencent webhooks.ts`,
  'domain.ts': 'cache follow tencent report.ts types:clock.ts types:config.ts types:telemetry',
  'webhooks.ts': `
    types:follow report.ts server/http-server.ts tencent types:clock.ts types:config.ts types:span.ts types:telemetry`,
  'purge.ts': 'types:cache clock.ts config.ts errors.ts follow redis',
  transfer: 'clock.ts config.ts errors.ts follow json.ts redis tencent',
  'config.ts': 'errors.ts settings tencent/wire.ts',
  settings: 'tencent/wire.ts',
  'clock.ts': '',
  'span.ts': '',
  'errors.ts': '',
  'json.ts': '',
  'report.ts': 'types:clock.ts',
  redis: 'cache errors.ts types:clock.ts types:config.ts',
  'context.ts': 'follow types:auth errors.ts reads.ts types:clock.ts types:config.ts types:domain.ts',
  'reads.ts': 'types:clock.ts errors.ts span.ts types:follow types:cache types:config.ts',
  graph: 'follow errors.ts types:context.ts',
  follow: 'cache errors.ts types:clock.ts json.ts types:span.ts',
  cache: 'errors.ts clock.ts json.ts span.ts',
  server: `
    types:graph types:auth auth/authentication.ts types:cache types:context.ts types:report.ts types:telemetry
    types:clock.ts types:config.ts errors.ts json.ts span.ts settings/values.ts`,
  tencent: 'report.ts types:follow follow/model.ts cache errors.ts types:clock.ts json.ts span.ts',
  telemetry: 'span.ts types:config.ts follow/caches.ts types:tencent tencent/wire.ts',
  auth: 'report.ts tencent/user-sig.ts types:config.ts follow/model.ts errors.ts types:clock.ts',
  sandbox: 'tencent/wire.ts tencent/user-sig.ts clock.ts json.ts',
};

/** Package → the only places that may import it. */
const ONLY_IN: Record<string, string> = {
  '@pothos/core': 'graph',
  '@pothos/plugin-complexity': 'graph',
  '@pothos/plugin-directives': 'graph',
  'graphql-yoga': 'server',
  undici: 'tencent/http.ts telemetry/open-telemetry.ts',
  ioredis: 'redis/client.ts',
  'prom-client': 'telemetry',
  '@graphql-hive/core': 'telemetry/usage-reports.ts',
  '@opentelemetry/api': 'telemetry/open-telemetry.ts',
  '@opentelemetry/sdk-trace-base': 'telemetry/open-telemetry.ts',
  pino: 'telemetry/log.ts',
  jose: 'auth',
  'graphql-ws': 'server',
  ws: 'server',
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports = files.flatMap((file) =>
  Array.from(
    readFileSync(join(SRC, file), 'utf8').matchAll(
      /(?:^|\n)(import|export)( type)? [^;]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    ),
    (found) => {
      const target = found[3] ?? found[4] ?? (found[5] as string);
      return {
        file,
        isType: Boolean(found[2]),
        target: target.startsWith('.') ? relative(SRC, join(SRC, dirname(file), target)) : target,
      };
    },
  ),
);
const folderOf = (path: string) => (path.includes('/') ? (path.split('/')[0] as string) : path);
const namesIn = (names = '') => names.trim().split(/\s+/);
const isOurs = (target: string) => target.endsWith('.ts');
const covers = (entry: string, target: string) => entry === target || entry === folderOf(target);

test('the folders of src are those of the table', () => {
  const folders = new Set(files.map(folderOf));
  expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
});

test('each folder imports only what the table allows', () => {
  const strangers = imports.filter(({ file, target, isType }) => {
    if (!isOurs(target) || folderOf(file) === folderOf(target)) return false;
    const allowed = namesIn(MAY_IMPORT[folderOf(file)]);
    return !allowed.some((entry) => covers(entry, target) || (isType && covers(entry.replace('types:', ''), target)));
  });
  expect(strangers.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
});

test('the table allows nothing that no file needs', () => {
  const idle = Object.entries(MAY_IMPORT).flatMap(([place, allowed]) => {
    const isNeeded = (entry: string) =>
      imports.some(
        ({ file, target, isType }) =>
          folderOf(file) === place &&
          entry.startsWith('types:') === isType &&
          covers(entry.replace('types:', ''), target),
      );
    return namesIn(allowed).flatMap((entry) => (entry === '' || isNeeded(entry) ? [] : `${place}: ${entry}`));
  });
  const libraries = Object.entries(ONLY_IN).flatMap(([library, places]) =>
    namesIn(places).flatMap((place) =>
      imports.some(({ file, target }) => target === library && covers(place, file)) ? [] : `${library}: ${place}`,
    ),
  );
  expect([...idle, ...libraries]).toEqual([]);
});

test('no file imports itself by way of others, not even a type', () => {
  const targets = Map.groupBy(imports, ({ file }) => file);
  const isClear = new Set<string>();
  function circleFrom(path: readonly string[]): readonly string[] | undefined {
    const file = path.at(-1) as string;
    if (isClear.has(file)) return undefined;
    if (path.indexOf(file) < path.length - 1) return path.slice(path.indexOf(file));
    for (const { target } of targets.get(file) ?? []) {
      const circle = circleFrom([...path, target]);
      if (circle) return circle;
    }
    isClear.add(file);
    return undefined;
  }
  expect(files.map((file) => circleFrom([file])).filter(Boolean)).toEqual([]);
});

test('a library that belongs to one place is imported nowhere else', () => {
  const strangers = imports.filter(
    ({ file, target, isType }) =>
      !isType && target in ONLY_IN && !namesIn(ONLY_IN[target]).some((place) => covers(place, file)),
  );
  expect(strangers.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
});

test('the table sees the imports at all', () => {
  expect(imports).toContainEqual({ file: 'server.ts', isType: false, target: 'webhooks.ts' });
  expect(imports).toContainEqual({ file: 'serve.ts', isType: false, target: 'sandbox/sandbox.ts' });
});
