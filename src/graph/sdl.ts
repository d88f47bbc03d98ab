import { lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './schema.ts';

/** The public schema as text, sorted: what `schema/schema.graphql` holds. */
export function printSdl(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
}
