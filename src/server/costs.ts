// Refuses operations that would cost too much before anything of them runs, and answers that came out too large.
import type { DocumentNode, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { tooExpensive } from '../http/too-expensive.ts';
import { refusal } from './body.ts';
import type { Exchange } from './exchange.ts';
import { LONGEST_TEXT } from './limits.ts';

type Operation = {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | null | undefined;
};

export type CostsOptions = {
  /** Why an operation may not run, or null. */
  check(operation: Operation): GraphQLError | null;
  /** The largest answer. What it may cost bounds it already; long texts are only seen once it is written. */
  maxResponseBytes: number;
};

/** Far above what the inputs of this schema need. */
const MAX_VARIABLE_DEPTH = 20;
const MAX_VARIABLE_VALUES = 5000;

type ServerContext = { readonly visit: { readonly exchange: Exchange } };

export function createCosts({ check, maxResponseBytes }: CostsOptions): Plugin<ServerContext, ServerContext> {
  function refuse(
    {
      document,
      operationName,
      variableValues: variables,
    }: Omit<Operation, 'variables'> & { variableValues?: Operation['variables'] },
    stop: (result: { errors: GraphQLError[] }) => void,
  ): void {
    const problem = problemOf(variables) ?? check({ document, operationName, variables });
    if (problem) stop({ errors: [problem] });
  }

  return {
    onExecute: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
    // Each event of a subscription may cost as much.
    onSubscribe: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
    onResponse({ response: { headers }, setResponse, fetchAPI, serverContext }) {
      if (Number(headers.get('content-length') ?? 0) <= maxResponseBytes) return;
      const { message, extensions } = tooExpensive(
        `The answer would be larger than ${maxResponseBytes} bytes. Ask for less.`,
      );
      const code = String(extensions.code);
      serverContext.visit.exchange.errorCodes.push(code);
      const type = headers.get('content-type') ?? 'application/json';
      setResponse(new fetchAPI.Response(refusal(message, code), { status: 400, headers: { 'content-type': type } }));
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
