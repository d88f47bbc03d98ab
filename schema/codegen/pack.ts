// What the package holds beside the compiled modules: operations as text, the introspection, and Relay's settings.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, introspectionFromSchema, Kind, parse } from 'graphql';
import { scalarsOf } from './shape.ts';

const FOLDER = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, FOLDER), 'utf8');
const write = (name: string, text: string) => writeFileSync(new URL(`dist/${name}`, FOLDER), `${text}\n`);

const schema = buildSchema(read('schema.graphql'));
const texts = Object.values(JSON.parse(read('trusted-documents.json')) as Record<string, string>).map((text) => {
  const [operation] = parse(text).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const { name, operation: kind } = operation ?? {};
  const typeName = `${name?.value}${kind?.[0]?.toUpperCase()}${kind?.slice(1)}`;
  return { name: name?.value, typeName, text };
});

// The compiler leaves the extensions of imports in declarations as they are.
for (const path of globSync('**/*.d.ts', { cwd: new URL('dist/', FOLDER) }))
  write(
    path,
    read(`dist/${path}`)
      .replace(/(?<=from '\..*)\.ts(?=')/g, '.js')
      .trimEnd(),
  );
write('client/texts.js', texts.map(({ name, text }) => `export const ${name} = ${JSON.stringify(text)};`).join('\n'));
write(
  'client/texts.d.ts',
  `import type * as types from '../documents.js';
import type { TypedText } from './mini-program.js';
${texts.map(({ name, typeName: it }) => `export declare const ${name}: TypedText<types.${it}, types.${it}Variables>;`).join('\n')}`,
);
// A type whose members are literals, as gql.tada reads it: JSON is one as it stands.
const introspection = JSON.stringify(introspectionFromSchema(schema, { descriptions: false }));
write('introspection.json', introspection);
write('LICENSE', read('../LICENSE').trimEnd());
write('client/introspection.js', 'export {};');
write('client/introspection.d.ts', `export type introspection = ${introspection};`);
write('relay.json', JSON.stringify({ customScalarTypes: scalarsOf(schema) }));
