// What an operation costs at most, before any of it runs: calls to the upstream as if nothing were cached, and values in
// its answer. Each field names its price; a selection below a connection counts once for each member. Fields that
// @skip and @include leave out are counted all the same.
import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { GraphSettings } from '../context.ts';
import { PER_CALL } from '../follow/model.ts';

type Unit = 'calls' | 'values';
type Pricing = { readonly unit: Unit; readonly settings: GraphSettings };

/**
 * The price of a field: the calls that it takes, a part of one where others fill the rest, and how many times what is
 * selected below it is read.
 */
export function price<Args extends object>(
  calls: number | ((args: Args, settings: GraphSettings) => number),
  times: (args: Args, settings: GraphSettings) => number = () => 1,
) {
  return (args: Args, context: object) => {
    // `predict` alone asks for prices, and gives this in place of a request's context.
    const { unit, settings } = context as Pricing;
    const multiplier = times(args, settings);
    if (unit === 'values') return { field: 1, multiplier };
    return { field: typeof calls === 'number' ? calls : calls(args, settings), multiplier };
  };
}

/** A user who is known by id alone may need a profile. */
export const USER_PRICE = price(1 / PER_CALL.profiles);
/** That of users who are named by arguments. */
export const priceOfUsers = <Args extends object>(count: (args: Args) => number) =>
  price<Args>((args) => count(args) / PER_CALL.profiles, count);
export const USERS_PRICE = priceOfUsers(({ ids }: { ids: readonly string[] }) => ids.length);

/** What introspection is taken to answer with: tools ask for it once, attacks many times. */
const INTROSPECTION_VALUES = 10_000;

type Priced = {
  /** Names the operation in the keys of `allowed`. */
  readonly number: number;
  /** The operation alone, without meta-fields, which the plugin prices like calls. */
  readonly document: DocumentNode;
  readonly introspections: number;
  /** Names of its variables, and whether one is an id, whose text no price depends on. */
  readonly variables: readonly (readonly [name: string, isId: boolean])[];
};
type Request = {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
};

function priced(operation: OperationDefinitionNode, document: DocumentNode, number: number): Priced {
  let introspections = 0;
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const alone = { ...document, definitions: [operation, ...fragments] };
  // Going through a long document takes as long as pricing it.
  const mayHaveMeta = document.loc?.source.body.includes('__') ?? true;
  const visitor = {
    Field({ name: { value } }: FieldNode) {
      if (value === '__schema') introspections++;
      return value.startsWith('__') ? null : undefined;
    },
  };
  const withoutMeta = mayHaveMeta ? visit(alone, visitor) : alone;
  const variables = (operation.variableDefinitions ?? []).map(({ variable, type }) => {
    const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
    return [variable.name.value, inner.kind === Kind.NAMED_TYPE && inner.name.value === 'ID'] as const;
  });
  return { number, document: withoutMeta, introspections, variables };
}

/** An operation with the variables that its price may depend on; a client may name one `__proto__`. */
function nameOf({ number, variables }: Priced, given: Request['variables'] = {}): string {
  const values = variables.map(([name, isId]) => {
    if (!given || !Object.hasOwn(given, name)) return [];
    return [isId && typeof given[name] === 'string' ? '' : given[name]];
  });
  return `${number} ${JSON.stringify(values)}`;
}

export type CheckCost = (request: Request) => GraphQLError | null;

/** Makes the check of an operation: why it may not run, or null. */
export function createCostCheck(schema: GraphQLSchema, settings: GraphSettings): CheckCost {
  const { maxUpstreamCalls, maxValues } = settings;
  const operations = new WeakMap<OperationDefinitionNode, Priced>();
  let count = 0;
  /** Operations with variables that have been allowed: one bound for all, since a client may send any number. */
  const allowed = new LRUCache<string, true>({
    maxSize: 4_000_000,
    maxEntrySize: 10_000,
    sizeCalculation: (_, { length }) => length + 200,
  });

  /** What an operation costs in a unit; throws a GraphQLError for wrong variables or arguments. */
  function predict({ document, introspections }: Priced, variables: Request['variables'], unit: Unit): number {
    const ctx: Pricing = { unit, settings };
    const { complexity } = complexityFromQuery(document, { schema, ctx, variables: { ...variables } });
    return complexity + (unit === 'values' ? introspections * INTROSPECTION_VALUES : 0);
  }

  return ({ document, operationName, variables }) => {
    const operation = getOperationAST(document, operationName);
    if (!operation) return null;
    const its = operations.get(operation) ?? priced(operation, document, ++count);
    operations.set(operation, its);
    const name = nameOf(its, variables);
    if (allowed.get(name)) return null;
    try {
      // First what a long document fails by: each price goes through all of it.
      if (predict(its, variables, 'values') > maxValues)
        return tooExpensive(`The operation may answer with more than ${maxValues} values.`);
      const calls = Math.ceil(predict(its, variables, 'calls'));
      if (calls > maxUpstreamCalls)
        return tooExpensive(`The operation may take ${calls} calls to the upstream; ${maxUpstreamCalls} are allowed.`);
      allowed.set(name, true);
      return null;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const { message, nodes } = error;
      return new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });
    }
  };
}

function tooExpensive(message: string): GraphQLError {
  const advice = 'Ask for smaller pages, or for less of each user.';
  return new GraphQLError(`${message} ${advice}`, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}
