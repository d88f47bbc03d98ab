// How scalars and enums go into the answer: by their type's `serialize`, but at once where that would change nothing.
import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, type GraphQLLeafType, GraphQLString } from 'graphql';

const IS_STRING = "typeof value === 'string'";

/** Scalar → when `serialize` answers `value` itself, as an expression. */
const UNCHANGED = new Map<GraphQLLeafType, string>([
  [GraphQLString, IS_STRING],
  [GraphQLID, IS_STRING],
  [GraphQLBoolean, "typeof value === 'boolean'"],
  [GraphQLInt, "typeof value === 'number' && value === (value | 0)"],
  [GraphQLFloat, "typeof value === 'number' && Number.isFinite(value)"],
]);

/** The test whether a value of this type can stand in the answer as it is. */
export function unchangedTest(type: GraphQLLeafType): string {
  return UNCHANGED.get(type) ?? 'false';
}
