// Refuses operations that would cost too much before anything of them runs, and tells what one costs when asked.
import type { DocumentNode, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { refusal } from './body.ts';
import type { Exchange } from './exchange.ts';
import { LONGEST_TEXT } from './limits.ts';
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
type Params = { readonly params?: { readonly extensions?: { readonly cost?: unknown } | null } };

export function createCosts({ predict, most, maxResponseBytes }: CostsOptions): Plugin<ServerContext, ServerContext> {
  function check(args: {
    document: DocumentNode;
    operationName?: string | null | undefined;
    variableValues?: Record<string, unknown> | null | undefined;
    contextValue: ServerContext & Params;
  }) {
    const { document, operationName, variableValues: variables, contextValue } = args;
    const isShown = contextValue.params?.extensions?.cost === true;
    const viewerId = contextValue.visit.exchange.viewer?.userId ?? null;
    const problem = problemOf(variables);
    if (problem) return { problem };
    const prediction = predict({ document, operationName, variables, viewerId, isShown });
    if (!prediction?.isTooMuch) return { cost: isShown && prediction ? prediction.cost : null };
    const { calls } = prediction.cost;
    const message =
      calls > most.calls
        ? `The operation may take ${calls} calls to the upstream or more; ${most.calls} are allowed.`
        : `The operation may answer with more than ${most.values} values.`;
    return { problem: tooExpensive(`${message} Ask for smaller pages, or for less of each user.`) };
  }

  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { problem, cost } = check(args);
      if (problem) return setResultAndStopExecution({ errors: [problem] });
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
      const { problem } = check(args);
      if (problem) setResultAndStopExecution({ errors: [problem] });
    },
    onResponse({ response: { headers }, setResponse, fetchAPI, serverContext }) {
      if (Number(headers.get('content-length') ?? 0) <= maxResponseBytes) return;
      const { code } = tooExpensive('').extensions;
      serverContext.visit.exchange.errorCodes.push(String(code));
      const body = refusal(`The answer would be larger than ${maxResponseBytes} bytes. Ask for less.`, String(code));
      const type = headers.get('content-type') ?? 'application/json';
      setResponse(new fetchAPI.Response(body, { status: 400, headers: { 'content-type': type } }));
    },
  };
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
