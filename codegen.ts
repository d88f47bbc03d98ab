// Makes what is made: in schema/ the SDL, for clients and as a subgraph, the typed documents, and the manifest of trusted
// documents; in deploy/README.md the table of settings.
//
//   node codegen.ts           writes them; refuses a breaking change that schema/breaking-changes.txt does not declare
//   node codegen.ts --check   writes nothing; fails when a file differs from what would be written
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { buildSchema, findBreakingChanges, type GraphQLSchema, parse, print, validate } from 'graphql';
import { describeSettings } from './src/config.ts';
import { printSubgraphSdl } from './src/graph/federation.ts';
import { createSchema, printSdl } from './src/graph/schema.ts';

const FOLDER = new URL('./schema/', import.meta.url);
const SDL = { 'schema.graphql': printSdl(), 'subgraph.graphql': printSubgraphSdl() };
const DECLARED = 'breaking-changes.txt';
const schema = createSchema();
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');

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
      scalars: { Date: 'string', DateTime: 'string', URL: 'string', ProfileValue: 'string | number' },
    },
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    pluginMap: { typescriptOperations, typedDocumentNode },
  });
  const texts = operations.map(({ document }) => print(document));
  const manifest = Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
  return {
    ...SDL,
    'documents.ts': `// Made by codegen.ts from schema/operations; do not edit.\n${documents}\n`,
    'trusted-documents.json': `${JSON.stringify(manifest, null, 2)}\n`,
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

/** Breaking changes since the last release, or the last commit where there is none, that nobody declared. */
function undeclaredBreakingChanges(): string[] {
  const declared = new Set(
    readOr(DECLARED, '')
      .split('\n')
      .map((line) => line.trim()),
  );
  const changes = Object.entries(SDL).flatMap(([name, text]) => {
    const previous = previousSdl(name, text);
    if (previous === null) return [];
    // The subgraph's directives are defined by what it links.
    const before = buildSchema(previous, { assumeValidSDL: true });
    const now = buildSchema(text, { assumeValidSDL: true });
    return [...findBreakingChanges(before, now).map(({ description }) => description), ...lostDirectives(before, now)];
  });
  return [...new Set(changes)].filter((description) => !declared.has(description));
}

/** What makes a type fit a supergraph and is gone: graphql's own comparison takes no notice of directives. */
function lostDirectives(before: GraphQLSchema, now: GraphQLSchema): string[] {
  const directivesOf = (schema: GraphQLSchema) =>
    Object.values(schema.getTypeMap()).flatMap(({ name, astNode }) =>
      (astNode?.directives ?? [])
        .filter((directive) => ['key', 'shareable'].includes(directive.name.value))
        .map((directive) => `${print(directive)} was removed from ${name}.`),
    );
  return directivesOf(before).filter((directive) => !directivesOf(now).includes(directive));
}

function previousSdl(name: string, text: string): string | null {
  const release = git('describe', '--tags', '--abbrev=0', '--match', 'v*');
  // The working tree may be what was just committed: then the change is the one from the commit before.
  const unchanged = git('show', `HEAD:schema/${name}`)?.trim() === text.trim();
  return git('show', `${release?.trim() ?? (unchanged ? 'HEAD^' : 'HEAD')}:schema/${name}`);
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, { cwd: FOLDER, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return null;
  }
}

function readOr(name: string, otherwise: string): string {
  try {
    return read(name);
  } catch {
    return otherwise;
  }
}

const checking = process.argv.includes('--check');
const problems = invalidOperations();
problems.push(
  ...undeclaredBreakingChanges().map(
    (change) => `Breaking change: ${change} Keep it, or declare this sentence in schema/${DECLARED}.`,
  ),
);
if (problems.length === 0) {
  for (const [name, text] of Object.entries(await generate())) {
    if (readOr(name, '') === text) continue;
    if (checking)
      problems.push(`${join('schema', name)} is not what the code makes. Run npm run codegen and commit it.`);
    else writeFileSync(new URL(name, FOLDER), text);
  }
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
