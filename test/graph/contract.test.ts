// Everything that people can do, and hear, has an operation in schema/operations.
import { readFileSync } from 'node:fs';
import { buildSchema, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { expect, test } from 'vitest';
import { readStarterOperations } from '../../src/server/graphiql.ts';

const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));

/** `Type.field` of every field that some operation asks for. */
const asked = new Set(
  readStarterOperations().flatMap((text) => {
    const fields: string[] = [];
    const types = new TypeInfo(schema);
    const Field = () => void fields.push(`${types.getParentType()?.name}.${types.getFieldDef()?.name}`);
    visit(parse(text), visitWithTypeInfo(types, { Field }));
    return fields;
  }),
);

test.each([
  ['mutation', schema.getMutationType()],
  ['subscription', schema.getSubscriptionType()],
])('each %s has an operation', (_kind, type) => {
  const fields = Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`);
  expect(fields.length).toBeGreaterThan(0);
  expect(fields.filter((field) => !asked.has(field))).toEqual([]);
});
