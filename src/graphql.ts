// GraphQL over HTTP: Yoga with our schema, limits, masking and accounting.
import type { ServerResponse } from 'node:http';
import { getOperationAST, NoSchemaIntrospectionCustomRule, type OperationTypeNode } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Config } from './config.ts';
import type { Context, createContexts, OpenContext } from './context.ts';
import { maskError } from './errors.ts';
import { schema } from './graph/schema.ts';
import type { Exchange } from './http/exchange.ts';
import { GRAPHQL_PATH, type RequestWithBody } from './http/front.ts';
import { createBoundedParse, createDepthRule } from './http/limits.ts';
import type { Metrics } from './metrics/metrics.ts';

export type GraphqlDependencies = {
  config: Pick<Config, 'maxTokens' | 'maxDepth' | 'introspection' | 'freshnessExtension'>;
  contexts: ReturnType<typeof createContexts>;
  metrics: Metrics | null;
  /** Told of what no client can be told. */
  onBug(error: unknown): void;
};

/** What Yoga hands on with a request: one object, so that whoever opens something on the way can have it closed. */
type Visit = { readonly exchange: Exchange; opened: OpenContext | null; operationType: OperationTypeNode | null };
type ServerContext = { readonly visit: Visit };

/** Makes the handler of `/graphql` requests whose body the front has read and bounded. */
export function createGraphql({ config, contexts, metrics, onBug }: GraphqlDependencies) {
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, visit }) => {
      visit.opened = contexts.open({
        gone: request.signal,
        viewer: visit.exchange.viewer,
        onUpstreamCall: () => visit.exchange.upstreamCalls++,
      });
      return visit.opened.context;
    },
    maskedErrors: { maskError: (error) => maskError(error, onBug) },
    parserAndValidationCache: { documentCache: boundedByText(), errorCache: boundedByText() },
    // The body has been read; Yoga's own limit would pipe it through a stream once more.
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [limits(config), accounting(config.freshnessExtension, metrics)],
  });

  return (request: RequestWithBody, response: ServerResponse, exchange: Exchange) =>
    yoga(request, response, { visit: { exchange, opened: null, operationType: null } });
}

/** Yoga keeps as many documents, of any size; a parsed one takes some 40 bytes for each letter of its text. */
function boundedByText<V extends object>(): LRUCache<string, V> {
  return new LRUCache({ max: 1000, maxSize: 500_000, sizeCalculation: (_value, text) => text.length + 1 });
}

function limits({ maxTokens, maxDepth, introspection }: GraphqlDependencies['config']): Plugin {
  const boundedParse = createBoundedParse(maxTokens);
  const depthRule = createDepthRule(maxDepth);
  return {
    onParse: ({ setParseFn }) => setParseFn(boundedParse),
    onValidate({ addValidationRule }) {
      addValidationRule(depthRule);
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Notes for the log line and the metrics what ran and how it ended, says what was stale, and closes the context. */
function accounting(freshnessExtension: boolean, metrics: Metrics | null): Plugin<ServerContext, ServerContext> {
  return {
    onExecute({ args }) {
      const { visit } = args.contextValue;
      const operation = getOperationAST(args.document, args.operationName);
      visit.exchange.operationName = operation?.name?.value ?? null;
      visit.operationType = operation?.operation ?? null;
    },
    onResultProcess({ serverContext: { visit }, result }) {
      visit.opened?.close();
      if (Array.isArray(result) || !('data' in result || 'errors' in result)) return;
      for (const { extensions } of result.errors ?? []) {
        visit.exchange.errorCodes.push(String(extensions?.code));
        // The document is right, yet nothing ran: its variables are wrong (GraphQL over HTTP, 6.4.2).
        if (visit.opened && !('data' in result) && extensions) extensions.http ??= { spec: true, status: 400 };
      }
      const { operationName, errorCodes } = visit.exchange;
      metrics?.onQuery(visit.operationType, operationName, errorCodes[0] ?? null);
      const staleness = freshnessExtension ? visit.opened?.staleness() : null;
      if (!staleness) return;
      const freshness = {
        oldestAgeSeconds: Math.round(staleness.ageMs / 1000),
        reason: staleness.failure ?? 'REVALIDATING',
      };
      result.extensions = { ...result.extensions, freshness };
    },
  };
}
