// What a resolver is given beside its source and the context: the field's arguments, and the info about it.
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import type { Fragments } from './conditions.ts';
import type { Variables } from './variables.ts';

export type Operation = {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
};

export type Field = {
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
};

/** The same object for every item of a list, and without variables for every run: frozen, so that none can change it. */
export function argumentsOf({ definition, nodes: [node] }: Field, variables: Variables): object {
  return Object.freeze(getArgumentValues(definition, node, variables));
}

/** What resolvers get to know. Left out is `path`, which would have to be made anew for every item of a list. */
export type FieldInfo = Pick<
  GraphQLResolveInfo,
  | 'fieldName'
  | 'fieldNodes'
  | 'returnType'
  | 'parentType'
  | 'schema'
  | 'fragments'
  | 'rootValue'
  | 'operation'
  | 'variableValues'
>;

export function infoOf(
  { schema, operation, fragments }: Operation,
  { parentType, definition, nodes }: Field,
  variableValues: Variables,
): FieldInfo {
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    schema,
    // There is a fragment for every name that is spread.
    fragments: fragments as GraphQLResolveInfo['fragments'],
    rootValue: undefined,
    operation,
    variableValues,
  };
}

export function hasVariable(value: ValueNode): boolean {
  if (value.kind === 'ListValue') return value.values.some(hasVariable);
  if (value.kind === 'ObjectValue') return value.fields.some((field) => hasVariable(field.value));
  return value.kind === 'Variable';
}
