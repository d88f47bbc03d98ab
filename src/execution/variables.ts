// Variables as resolvers get them. The common ones, strings and numbers that are as declared, need no coercion at all.
import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInt,
  type GraphQLSchema,
  GraphQLString,
  getVariableValues,
  isInputType,
  isNonNullType,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql';

/** Coerced, as a run has them. */
export type Variables = Readonly<Record<string, unknown>>;

type Given = Variables | null | undefined;

/** A variable of a type whose values are taken as they are when they pass a test. `otherwise`: when it is not given. */
type Simple = { name: string; isAsDeclared: (value: unknown) => boolean; isRequired: boolean; otherwise: unknown };

const isString = (value: unknown) => typeof value === 'string';
const TESTS = new Map<unknown, Simple['isAsDeclared']>([
  [GraphQLString, isString],
  [GraphQLID, isString],
  [GraphQLInt, (value) => typeof value === 'number' && value === (value | 0)],
  [GraphQLBoolean, (value) => typeof value === 'boolean'],
]);

/** Makes what coerces the variables of an operation; it answers null when they cannot be. Throws where it cannot be made. */
export function createCoercion(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
): (given: Given) => Variables | null {
  // Executors differ in whether such a variable has a value at all.
  if (definitions.some(({ variable }) => variable.name.value === '__proto__'))
    throw new Error('A variable named "__proto__" is not compiled.');
  const simple = definitions.map((definition) => simpleOf(schema, definition));
  const allSimple = simple.every((variable) => variable !== null);

  return (given) => {
    const quick = allSimple ? coerceSimple(simple, given ?? {}) : null;
    return quick ?? getVariableValues(schema, definitions, given ?? {}).coerced ?? null;
  };
}

function simpleOf(
  schema: GraphQLSchema,
  { variable, type: typeNode, defaultValue }: VariableDefinitionNode,
): Simple | null {
  const type = typeFromAST(schema, typeNode);
  const isRequired = isNonNullType(type);
  const isAsDeclared = TESTS.get(isRequired ? type.ofType : type);
  if (!isInputType(type) || !isAsDeclared) return null;
  const otherwise = defaultValue && valueFromAST(defaultValue, type);
  return { name: variable.name.value, isAsDeclared, isRequired, otherwise };
}

/** Null when one of them takes more than a look. */
function coerceSimple(variables: readonly Simple[], given: Variables): Variables | null {
  const coerced: Record<string, unknown> = {};
  for (const { name, isAsDeclared, isRequired, otherwise } of variables) {
    if (Object.hasOwn(given, name)) {
      const value = given[name];
      if (!isAsDeclared(value) && (value !== null || isRequired)) return null;
      coerced[name] = value;
    } else if (otherwise !== undefined) coerced[name] = otherwise;
    else if (isRequired) return null;
  }
  return coerced;
}
