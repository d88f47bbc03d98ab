// Makes what is made: in schema/ the SDL, for clients and as a subgraph, the typed documents, the manifest of trusted
// documents, and what is not released yet in the change log; in deploy/README.md the table of settings.
//
//   node codegen.ts             writes them; refuses a breaking change that schema/breaking-changes.txt does not declare
//   node codegen.ts --check     writes nothing; fails when a file differs from what would be written
//   node codegen.ts --release   writes them, and gives what was not released the version of schema/package.json
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { lexicographicSortSchema, parse, print, validate } from 'graphql';
import {
  compareSdls,
  KEPT_DIRECTIVES,
  undatedDeprecations,
  withRelease,
  withUnreleased,
} from './schema/codegen/changes.ts';
import { printShape, scalarsOf } from './schema/codegen/shape.ts';
import { describeSettings } from './src/config.ts';
import { printSubgraphSdl } from './src/graph/federation.ts';
import { createSchema, printSdl } from './src/graph/schema.ts';

const FOLDER = new URL('./schema/', import.meta.url);
const SDL = { 'schema.graphql': printSdl(), 'subgraph.graphql': printSubgraphSdl() };
const DECLARED = 'breaking-changes.txt';
const RELEASED = 'released/schema.graphql';
/** All that is promised: the clients' SDL, and what makes types fit a supergraph. */
const PROMISED = printSdl(KEPT_DIRECTIVES);
const TYPES = "export type { ErrorCode, Scalars } from './client/shape.ts';";
const schema = createSchema();
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');
const write = (name: string, text: string) => writeFileSync(new URL(name, FOLDER), text);

const operations = readdirSync(new URL('operations/', FOLDER))
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((name) => ({ location: `operations/${name}`, document: parse(read(`operations/${name}`)) }));

/** Operations that the schema would refuse: nothing else makes sense before they are right. */
function invalidOperations(): string[] {
  return operations.flatMap(({ location, document }) =>
    validate(schema, document).map(({ message }) => `schema/${location}: ${message}`),
  );
}

async function generate(): Promise<Record<string, string>> {
  const documents = await codegen({
    filename: 'documents.ts',
    schema: parse(SDL['schema.graphql']),
    documents: operations,
    config: {
      useTypeImports: true,
      enumType: 'string-literal',
      scalars: scalarsOf(schema),
    },
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    pluginMap: { typescriptOperations, typedDocumentNode },
  });
  const texts = operations.map(({ document }) => print(document));
  const manifest = Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
  return {
    ...SDL,
    'documents.ts': `// Made by codegen.ts from schema/operations; do not edit.\n${TYPES}\n${documents}\n`,
    'client/shape.ts': printShape(lexicographicSortSchema(schema), read('README.md').split('## Error codes')[1] ?? ''),
    'trusted-documents.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'CHANGELOG.md': withUnreleased(read('CHANGELOG.md'), compareSdls(read(RELEASED), PROMISED)),
    '../deploy/README.md': withSettings(read('../deploy/README.md')),
  };
}

/** The document with the table of settings between its two marks. */
function withSettings(document: string): string {
  const rows = describeSettings().map(
    ({ name, fallback, meaning }) => `| \`${name}\` | ${fallback && `\`${fallback}\``} | ${meaning} |\n`,
  );
  const table = `| Name | Default | Meaning |\n| --- | --- | --- |\n${rows.join('')}`;
  return document.replace(/(<!-- settings\b.*-->\n)[\s\S]*(?=<!-- \/settings -->)/, (_, mark) => mark + table);
}

/** Breaking changes that are not declared, and deprecations without a day until which they hold. */
function brokenPromises(): string[] {
  const declared = read(DECLARED).split('\n');
  const breaks = compareSdls(read(RELEASED), PROMISED).Breaking.filter((sentence) => !declared.includes(sentence));
  const undated = undatedDeprecations(schema);
  return [
    ...breaks.map((it) => `Breaking change: ${it} Keep it, or declare this sentence in schema/${DECLARED}.`),
    ...undated.map((name) => `${name} is deprecated: its reason must say until when it stays, as YYYY-MM-DD.`),
  ];
}

/** What the contract is now becomes what it was; schema/package.json has the version. */
function release(): void {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  write('CHANGELOG.md', withRelease(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)));
  write(DECLARED, '');
  write(RELEASED, PROMISED);
}

const checking = process.argv.includes('--check');
const problems = [...invalidOperations(), ...brokenPromises()];
if (problems.length === 0 && process.argv.includes('--release')) release();
if (problems.length === 0) {
  for (const [name, text] of Object.entries(await generate())) {
    if (existsSync(new URL(name, FOLDER)) && read(name) === text) continue;
    if (checking)
      problems.push(`${join('schema', name)} is not what the code makes. Run npm run codegen and commit it.`);
    else write(name, text);
  }
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
