// The shape of the graph as clients' caches want it: schema/client/shape.ts, from the schema and a few rules.
import {
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql';

/** A scalar is a string to clients, but for these. */
const SCALARS: Record<string, string> = { ProfileValue: 'string | number' };
const PAGING = ['first', 'after', 'last', 'before'];

/** What each scalar of the schema's own is in TypeScript. */
export const scalarsOf = (schema: GraphQLSchema): Record<string, string> =>
  Object.fromEntries(
    Object.values(schema.getTypeMap())
      .filter((type) => isScalarType(type) && !isSpecifiedScalarType(type))
      .map(({ name }) => [name, SCALARS[name] ?? 'string']),
  );

/** The module's text; `errorCodes` is the table of schema/README.md. */
export function printShape(schema: GraphQLSchema, errorCodes: string): string {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const objects = types.filter(isObjectType);
  const fieldsOf = (name: string) => Object.values(objects.find((type) => type.name === name)?.getFields() ?? {});
  const possibleTypes = Object.fromEntries(
    types.filter(isAbstractType).map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
  );
  const paged = objects.map(({ name }) => [name, pagedFields(fieldsOf(name))] as const);
  const lookups = fieldsOf('Query').flatMap(({ name, type, args: [arg, ...more] }) => {
    const found = getNamedType(type).name;
    const [only, ...others] = possibleTypes[found] ?? [found];
    return arg?.name === 'id' && more.length === 0 && others.length === 0 ? [[name, only]] : [];
  });
  const events = fieldsOf('Subscription').map(({ name, args }) => [name, args.map(nameOf)] as const);
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const embedded = objects.filter((type) => !roots.includes(type) && !('id' in type.getFields()));
  return [
    '// Made by codegen.ts from the schema; do not edit.',
    constant(
      'Which types an interface or a union stands for.',
      'possibleTypes: Record<string, string[]>',
      possibleTypes,
    ),
    constant(
      'Connections by type and field, with the arguments that make each a list of its own.',
      'pagedFields: Record<string, Record<string, string[]>>',
      Object.fromEntries(paged.filter(([, fields]) => Object.keys(fields).length > 0)),
    ),
    constant(
      'Fields of `Query` that look an object up by its `id`, and its type.',
      'lookups: Record<string, string>',
      Object.fromEntries(lookups),
    ),
    constant(
      'Types without an `id`, which belong to what shows them.',
      'embeddedTypes: string[]',
      embedded.map(nameOf),
    ),
    constant('What can be changed.', 'mutations: string[]', fieldsOf('Mutation').map(nameOf)),
    constant('What can be heard, with its arguments.', 'events: Record<string, string[]>', Object.fromEntries(events)),
    `/** What each scalar is. */\nexport type Scalars = {\n${Object.entries(scalarsOf(schema))
      .map(([name, type]) => `  ${name}: ${type};\n`)
      .join('')}};\n`,
    `/** \`extensions.code\` of an error; more may be added. */\nexport type ErrorCode =\n${codesOf(errorCodes)};\n`,
  ].join('\n');
}

const nameOf = ({ name }: { name: string }) => name;

const constant = (meaning: string, name: string, value: unknown) =>
  `/** ${meaning} */\nexport const ${name} = ${JSON.stringify(value, null, 2)};\n`;

function pagedFields(fields: GraphQLField<unknown, unknown>[]): Record<string, string[]> {
  const isPaged = ({ type, args }: GraphQLField<unknown, unknown>) =>
    getNamedType(type).name.endsWith('Connection') && args.some(({ name }) => name === 'after');
  return Object.fromEntries(
    fields.filter(isPaged).map(({ name, args }) => [name, args.map(nameOf).filter((arg) => !PAGING.includes(arg))]),
  );
}

/** The first two columns of a table, as members of a union. */
function codesOf(table: string): string {
  const rows = Array.from(table.matchAll(/^\| (`[A-Z].*?) \| (.*?) \|/gm));
  return rows
    .flatMap(([, codes = '', meaning]) =>
      Array.from(codes.matchAll(/`(\w+)`/g), ([, code]) => `  /** ${meaning} */\n  | '${code}'`),
    )
    .join('\n');
}
