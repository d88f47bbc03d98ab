// Refuses operations that would cost too much before anything of them runs, and tells what one costs when asked.
import type { DocumentNode, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { refusal } from '../server/body.ts';
import type { Exchange } from '../server/exchange.ts';
import { LONGEST_TEXT } from '../server/limits.ts';
import { tooExpensive } from './too-expensive.ts';

type Cost = { readonly calls: number; readonly values: number };

export type CostsOptions = {
  /** What an operation costs, as far as that is to be known; null when it is fine. */
  predict(request: {
    document: DocumentNode;
    operationName?: string | null | undefined;
    variables: Readonly<Record<string, unknown>> | null | undefined;
    viewerId: string | null;
    isShown: boolean;
  }): { readonly cost: Cost; readonly isTooMuch: boolean } | null;
  /** What an operation may cost. */
  most: Cost;
  /** The largest answer. What it may cost bounds it already; long texts are only seen once it is written. */
  maxResponseBytes: number;
};

/** Far above what the inputs of this schema need. */
const MAX_VARIABLE_DEPTH = 20;
const MAX_VARIABLE_VALUES = 5000;

type ServerContext = { readonly visit: { readonly exchange: Exchange } };
type Params = { readonly params?: { readonly extensions?: Extensions } };
type Extensions = { readonly cost?: unknown } | null | undefined;

/** What is wrong with the cost of an operation; else its cost, when the client asks for it. */
export type CheckCost = (request: {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables: Readonly<Record<string, unknown>> | null | undefined;
  extensions: Extensions;
  viewerId: string | null;
}) => { problem: GraphQLError } | { problem?: undefined; cost: Cost | null };

export type Costs = {
  check: CheckCost;
  /** The refusal of an answer that is too large; null when it is not. */
  refusalOf(bytes: number): { status: number; body: string; code: string } | null;
  plugin: Plugin<ServerContext, ServerContext>;
};

export function createCosts({ predict, most, maxResponseBytes }: CostsOptions): Costs {
  const check: CheckCost = ({ extensions, ...request }) => {
    const isShown = extensions?.cost === true;
    const problem = problemOf(request.variables);
    if (problem) return { problem };
    const prediction = predict({ ...request, isShown });
    if (!prediction?.isTooMuch) return { cost: isShown && prediction ? prediction.cost : null };
    const { calls } = prediction.cost;
    const message =
      calls > most.calls
        ? `The operation may take ${calls} calls to the upstream or more; ${most.calls} are allowed.`
        : `The operation may answer with more than ${most.values} values.`;
    return { problem: tooExpensive(`${message} Ask for smaller pages, or for less of each user.`) };
  };

  const checkArguments = (args: {
    document: DocumentNode;
    operationName?: string | null | undefined;
    variableValues?: Record<string, unknown> | null | undefined;
    contextValue: ServerContext & Params;
  }) => {
    const { document, operationName, variableValues: variables, contextValue } = args;
    const viewerId = contextValue.visit.exchange.viewer?.userId ?? null;
    return check({ document, operationName, variables, extensions: contextValue.params?.extensions, viewerId });
  };

  const refusalOf: Costs['refusalOf'] = (bytes) => {
    if (bytes <= maxResponseBytes) return null;
    const code = String(tooExpensive('').extensions.code);
    const message = `The answer would be larger than ${maxResponseBytes} bytes. Ask for less.`;
    return { status: 400, body: refusal(message, code), code };
  };

  const plugin: Costs['plugin'] = {
    onExecute({ args, setResultAndStopExecution }) {
      const checked = checkArguments(args);
      if (checked.problem) return setResultAndStopExecution({ errors: [checked.problem] });
      const { cost } = checked;
      if (!cost) return undefined;
      const { exchange } = args.contextValue.visit;
      return {
        onExecuteDone({ result, setResult }) {
          if (Symbol.asyncIterator in result) return;
          const told = { predictedCalls: cost.calls, actualCalls: exchange.upstreamCalls };
          setResult({ ...result, extensions: { ...result.extensions, cost: told } });
        },
      };
    },
    // Each event of a subscription may cost as much.
    onSubscribe({ args, setResultAndStopExecution }) {
      const { problem } = checkArguments(args);
      if (problem) setResultAndStopExecution({ errors: [problem] });
    },
    onResponse({ response: { headers }, setResponse, fetchAPI, serverContext }) {
      const tooLarge = refusalOf(Number(headers.get('content-length') ?? 0));
      if (!tooLarge) return;
      const { status, body, code } = tooLarge;
      serverContext.visit.exchange.errorCodes.push(code);
      const type = headers.get('content-type') ?? 'application/json';
      setResponse(new fetchAPI.Response(body, { status, headers: { 'content-type': type } }));
    },
  };

  return { check, refusalOf, plugin };
}

/** What is wrong with variables, whatever their types; looked at before GraphQL goes through them. */
function problemOf(variables: Readonly<Record<string, unknown>> | null | undefined): GraphQLError | null {
  let level: unknown[] = [variables];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_VARIABLE_DEPTH)
      return tooExpensive(`The variables are nested more than ${MAX_VARIABLE_DEPTH} levels deep.`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string' && value.length > LONGEST_TEXT)
        return tooExpensive(`The variables have a text of more than ${LONGEST_TEXT} characters.`);
      if (typeof value !== 'object' || value === null) continue;
      const inside: unknown[] = Array.isArray(value) ? value : Object.values(value);
      values += inside.length;
      if (values > MAX_VARIABLE_VALUES)
        return tooExpensive(`The variables have more than ${MAX_VARIABLE_VALUES} values.`);
      for (const inner of inside) next.push(inner);
    }
    level = next;
  }
  return null;
}
