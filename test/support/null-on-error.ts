// Holds answers against `@semanticNonNull`: what the schema says is null only with an error has one, wherever it is null.
import { readFileSync } from 'node:fs';
import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  buildSchema,
  type ExecutionResult,
  execute,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLOutputType,
  getNullableType,
  isListType,
  isNonNullType,
  parse,
} from 'graphql';
import { expect } from 'vitest';
import type { Answer } from './gateway.ts';

const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));

/** The schema in which those fields are never null: graphql-js finds the places where they are. */
const strict = mapSchema(schema, {
  [MapperKind.OBJECT_FIELD](field) {
    const [mark] = getDirective(schema, field, 'semanticNonNull') ?? [];
    if (mark) field.type = (mark.levels as number[]).reduce<GraphQLOutputType>(nonNullAt, field.type);
    return field;
  },
});

function nonNullAt(type: GraphQLOutputType, level: number): GraphQLOutputType {
  const nullable = getNullableType(type);
  if (level === 0) return new GraphQLNonNull(nullable);
  if (!isListType(nullable)) throw new Error(`There is no level ${level} in ${type}.`);
  const list = new GraphQLList(nonNullAt(nullable.ofType, level - 1));
  return isNonNullType(type) ? new GraphQLNonNull(list) : list;
}

/** Fails for a null of an answer that should have an error at it. A query that names types needs `__typename` beside. */
export function expectErrorsAtNulls(query: string, { data, errors = [] }: Answer): void {
  if (!data) return;
  const fail = (path: string) => errors.some((error) => error.path?.join('.') === path);
  const { errors: found = [] } = execute({
    schema: strict,
    document: parse(query),
    rootValue: data,
    typeResolver: (source: Record<string, unknown>) => String(source.__typename ?? 'User'),
    fieldResolver: (source: Record<string, unknown>, _args, _context, { path }) => source[String(path.key)],
  }) as ExecutionResult;
  const unexplained = found.filter(({ message, path }) => /non-nullable/.test(message) && !fail(path?.join('.') ?? ''));
  expect(unexplained.map(({ message, path }) => `${path?.join('.')}: ${message}`)).toEqual([]);
}
