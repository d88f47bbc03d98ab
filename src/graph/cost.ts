// What an operation costs at most, before any of it runs: calls to the upstream as if nothing were cached, and values in
// its answer. Each field names its price; what is selected below a connection counts once for each member. What @skip
// and @include leave out is counted all the same.
import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { GraphSettings } from '../context.ts';

/** The keys that one call takes (CONTRACT 0). A price of a part of a call means that others fill the rest. */
export const PER_CALL = {
  counts: 20,
  profiles: 100,
  relations: 100,
  changes: 20,
  blocks: 1000,
  presences: 500,
} as const;

type Unit = 'calls' | 'values';
type Pricing = { readonly unit: Unit; readonly settings: GraphSettings };

/** The price of a field: the calls that it takes, and how many times what is selected below it is read. */
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
export const USERS_PRICE = price(
  ({ ids }: { ids: readonly string[] }) => ids.length / PER_CALL.profiles,
  ({ ids }) => ids.length,
);

/** What introspection is taken to answer with: tools ask for it once, attacks many times. */
const INTROSPECTION_VALUES = 10_000;

type Priced = { readonly document: DocumentNode; readonly introspections: number };
type Request = {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
};

const pricedOperations = new WeakMap<OperationDefinitionNode, Priced>();

/** The operation alone, without meta-fields, which the plugin prices like calls; null when there is no such operation. */
function pricedOf({ document, operationName }: Request): Priced | null {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const priced = pricedOperations.get(operation) ?? withoutMeta(operation, document);
  pricedOperations.set(operation, priced);
  return priced;
}

function withoutMeta(operation: OperationDefinitionNode, document: DocumentNode): Priced {
  let introspections = 0;
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const priced = visit(
    { ...document, definitions: [operation, ...fragments] },
    {
      Field({ name: { value } }) {
        if (value === '__schema') introspections++;
        return value.startsWith('__') ? null : undefined;
      },
    },
  );
  return { document: priced, introspections };
}

/** What an operation costs in a unit; throws a GraphQLError for wrong variables or arguments. */
export function predict(schema: GraphQLSchema, settings: GraphSettings, request: Request, unit: Unit): number {
  const priced = pricedOf(request);
  if (!priced) return 0;
  const ctx: Pricing = { unit, settings };
  const { complexity } = complexityFromQuery(priced.document, { schema, ctx, variables: { ...request.variables } });
  return complexity + (unit === 'values' ? priced.introspections * INTROSPECTION_VALUES : 0);
}

export type CheckCost = (request: Request) => GraphQLError | null;

/** Makes the check of an operation: why it may not run, or null. */
export function createCostCheck(schema: GraphQLSchema, settings: GraphSettings): CheckCost {
  const { maxUpstreamCalls, maxValues } = settings;
  return (request) => {
    try {
      const calls = Math.ceil(predict(schema, settings, request, 'calls'));
      if (calls > maxUpstreamCalls)
        return tooExpensive(`The operation may take ${calls} calls to the upstream; ${maxUpstreamCalls} are allowed.`);
      if (predict(schema, settings, request, 'values') > maxValues)
        return tooExpensive(`The operation may answer with more than ${maxValues} values.`);
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
