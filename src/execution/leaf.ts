// How scalars and enums go into the answer: by their type's `serialize`, but at once where that would change nothing.
import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, type GraphQLLeafType, GraphQLString } from 'graphql';

const IF_STRING = "if (typeof value === 'string') return quote(value);";

/** Scalar → the statement that returns the text of a `value` which `serialize` answers as it is. */
const AT_ONCE = new Map<GraphQLLeafType, string>([
  [GraphQLString, IF_STRING],
  [GraphQLID, IF_STRING],
  [GraphQLBoolean, "if (typeof value === 'boolean') return value ? 'true' : 'false';"],
  [GraphQLInt, "if (typeof value === 'number' && value === (value | 0)) return '' + value;"],
  [GraphQLFloat, "if (typeof value === 'number' && Number.isFinite(value)) return '' + value;"],
]);

/** A statement that returns the JSON of a `value` of this type which can stand in the answer as it is. */
export function textAtOnce(type: GraphQLLeafType): string {
  return AT_ONCE.get(type) ?? '';
}
