// Compiled execution: operations that are run again and again become JavaScript of their own. What is unusual is left to
// the general executor, so that this room has no words for errors.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { type Choice, conditionsOf, type Fragments } from './conditions.ts';
import { load, writeProgram } from './program.ts';
import { type Select, start, type Written } from './run.ts';
import type { Texts } from './texts.ts';
import { createCoercion, type Variables } from './variables.ts';

/** An operation that is ready to run. */
export type CompiledOperation = {
  /** How many fields its programs have, those of all variants: each takes some 600 bytes. */
  readonly fieldCount: number;
  /**
   * The answer's data as JSON; null when anything is not as usual (an error, a null where none may be, a value that cannot be
   * serialized, variables that cannot be coerced): then the general executor has to run the operation, and words the
   * errors. It never throws or rejects.
   */
  run(
    contextValue: unknown,
    variableValues: Readonly<Record<string, unknown>> | null | undefined,
  ): Written | null | Promise<Written | null>;
};

/**
 * Compiles a validated operation; null when it is one that only the general executor can run. It never throws. With
 * `texts`, lists of which only fields are selected whose extension says that they are `constant` are written once.
 */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  texts: Texts | null = null,
): CompiledOperation | null {
  try {
    const operation = getOperationAST(document, operationName);
    return operation?.operation === 'query' ? compileQuery(schema, operation, fragmentsOf(document), texts) : null;
  } catch {
    return null;
  }
}

/** Throws where the query has what is not compiled. */
function compileQuery(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  texts: Texts | null,
): CompiledOperation {
  const conditions = conditionsOf(operation.selectionSet, fragments);
  const write = (choice: Choice) => writeProgram({ schema, operation, fragments, choice, texts });
  // The one with nothing left out shows whether the others can be compiled.
  const whole = write(new Map());
  const fieldCount = whole.fieldCount * 2 ** conditions.length;
  const variants: (Select | undefined)[] = conditions.length === 0 ? [load(whole)] : [];

  /** The program for what the conditions say; compiled when they first say so. */
  function selectFor(variables: Variables): Select | null {
    let index = 0;
    for (const name of conditions) {
      const value = variables[name];
      if (typeof value !== 'boolean') return null;
      index = index * 2 + Number(value);
    }
    variants[index] ??= load(write(new Map(conditions.map((name) => [name, variables[name] === true]))));
    return variants[index] ?? null;
  }

  const coerce = createCoercion(schema, operation.variableDefinitions ?? []);
  return {
    fieldCount,
    run(contextValue, variableValues) {
      try {
        const variables = coerce(variableValues);
        const select = variables && selectFor(variables);
        return select ? start(select, contextValue, variables) : null;
      } catch {
        return null;
      }
    },
  };
}

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const definition of definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  return fragments;
}
