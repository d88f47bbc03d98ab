import { readdirSync, readFileSync } from 'node:fs';

const OPERATIONS = new URL('../schema/operations/', import.meta.url);

/** The texts of `schema/operations/*.graphql`, in the order of their file names. */
export function readStarterOperations(): string[] {
  return readdirSync(OPERATIONS)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => readFileSync(new URL(name, OPERATIONS), 'utf8'));
}
