// Which fields an object of the answer has: GraphQL's CollectFields, with conditions that are decided already.
import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  type NamedTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { type Choice, type Fragments, isIncluded } from './conditions.ts';

export type Collecting = { readonly schema: GraphQLSchema; readonly fragments: Fragments; readonly choice: Choice };

/** A field by its key in the answer. All of its nodes have the same name and arguments; their selections add up. */
export type Fields = ReadonlyMap<string, readonly [FieldNode, ...FieldNode[]]>;

/** The fields that `sets` select of a type, in the order in which they stand in the answer. */
export function collectFields(
  { schema, fragments, choice }: Collecting,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Fields {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const visited = new Set<string>();

  const applies = (condition: NamedTypeNode | undefined): boolean => {
    if (!condition || condition.name.value === type.name) return true;
    const named = schema.getType(condition.name.value);
    return isAbstractType(named) && schema.isSubType(named, type);
  };

  function collect({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      if (!isIncluded(selection, choice)) continue;
      if (selection.kind === 'Field') {
        const key = (selection.alias ?? selection.name).value;
        const nodes = fields.get(key);
        if (nodes) nodes.push(selection);
        else fields.set(key, [selection]);
      } else if (selection.kind === 'InlineFragment') {
        if (applies(selection.typeCondition)) collect(selection.selectionSet);
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        const fragment = fragments[selection.name.value];
        if (fragment && applies(fragment.typeCondition)) collect(fragment.selectionSet);
      }
    }
  }

  for (const set of sets) collect(set);
  return fields;
}
