// What a resolver is given beside its source and the context: the field's arguments, and the info about it.
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  isNonNullType,
  type OperationDefinitionNode,
  type ValueNode,
  valueFromAST,
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

/** Makes a field's arguments out of the variables. */
export type MakeArguments = (variables: Variables) => object;

/** An argument that is a variable, if need be with the value that it has without one; or the same in every run. */
type Simple = { name: string; variable: string | null; value: unknown; isRequired: boolean };

/**
 * What makes a field's arguments: the same object for every item of a list, and without variables for every run, frozen,
 * so that none can change it. Variables that stand for whole arguments are coerced already.
 */
export function argumentsOf({ definition, nodes: [node] }: Field): MakeArguments {
  const make: MakeArguments = (variables) => Object.freeze(getArgumentValues(definition, node, variables));
  const given = new Map(node.arguments?.map(({ name, value }) => [name.value, value]));
  if (![...given.values()].some(hasVariable)) {
    const same = make({});
    return () => same;
  }
  const simple: Simple[] = [];
  for (const { name, type, defaultValue } of definition.args) {
    const node = given.get(name);
    const variable = node?.kind === 'Variable' ? node.name.value : null;
    const isLiteral = node !== undefined && variable === null;
    const value = isLiteral ? valueFromAST(node, type) : defaultValue;
    // Variables within it have no value yet.
    if (isLiteral && (hasVariable(node) || value === undefined)) return make;
    simple.push({ name, variable, value, isRequired: isNonNullType(type) });
  }
  return (variables) => simpleArguments(simple, variables) ?? make(variables);
}

/** Null where an argument lacks a value that it must have. */
function simpleArguments(simple: readonly Simple[], variables: Variables): object | null {
  const values: Record<string, unknown> = {};
  for (const { name, variable, value, isRequired } of simple) {
    const isGiven = variable !== null && Object.hasOwn(variables, variable);
    const chosen = isGiven ? variables[variable] : value;
    if (chosen == null && isRequired) return null;
    if (chosen !== undefined) values[name] = chosen;
  }
  return Object.freeze(values);
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

function hasVariable(value: ValueNode): boolean {
  if (value.kind === 'ListValue') return value.values.some(hasVariable);
  if (value.kind === 'ObjectValue') return value.fields.some((field) => hasVariable(field.value));
  return value.kind === 'Variable';
}
