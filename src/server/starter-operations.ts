import { readdirSync, readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';

const OPERATIONS = new URL('../../schema/operations/', import.meta.url);

/** The texts of `schema/operations/*.graphql`, in the order of their file names. */
export function readStarterOperations(): string[] {
  return readdirSync(OPERATIONS)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => readFileSync(new URL(name, OPERATIONS), 'utf8'));
}

/** The names of the operations in `schema/operations`. */
export function readOperationNames(): string[] {
  return readStarterOperations()
    .flatMap((text) => parse(text).definitions)
    .flatMap((definition) => (definition.kind === Kind.OPERATION_DEFINITION ? (definition.name?.value ?? []) : []));
}
