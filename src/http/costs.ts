// Refuses operations that would cost too much before anything of them runs.
import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestState } from '../server/request-state.ts';
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
};

type ServerContext = {
  readonly state: RequestState;
  readonly params?: { readonly extensions?: { cost?: unknown } | null };
};
export type Costs = { plugin: Plugin<ServerContext, ServerContext> };

export function createCosts({ predict, most }: CostsOptions): Costs {
  const check = (args: {
    document: DocumentNode;
    operationName?: string | null | undefined;
    variableValues?: Record<string, unknown> | null | undefined;
    contextValue: ServerContext;
  }) => {
    const { document, operationName, variableValues: variables, contextValue } = args;
    const viewerId = contextValue.state.viewer?.userId ?? null;
    const isShown = contextValue.params?.extensions?.cost === true;
    const prediction = predict({ document, operationName, variables, viewerId, isShown });
    if (!prediction?.isTooMuch) return { problem: null, cost: isShown && prediction ? prediction.cost : null };
    const { calls } = prediction.cost;
    const message =
      calls > most.calls
        ? `The operation may take ${calls} calls to the upstream or more; ${most.calls} are allowed.`
        : `The operation may answer with more than ${most.values} values.`;
    return { problem: tooExpensive(`${message} Ask for smaller pages, or for less of each user.`), cost: null };
  };

  const plugin: Costs['plugin'] = {
    onExecute({ args, setResultAndStopExecution }) {
      const { problem, cost } = check(args);
      if (problem) return setResultAndStopExecution({ errors: [problem] });
      if (!cost) return undefined;
      const { state } = args.contextValue;
      return {
        onExecuteDone({ result, setResult }) {
          if (Symbol.asyncIterator in result) return;
          const told = { predictedCalls: cost.calls, actualCalls: state.upstreamCalls };
          setResult({ ...result, extensions: { ...result.extensions, cost: told } });
        },
      };
    },
    // Each event of a subscription may cost as much.
    onSubscribe({ args, setResultAndStopExecution }) {
      const { problem } = check(args);
      if (problem) setResultAndStopExecution({ errors: [problem] });
    },
  };
  return { plugin };
}
