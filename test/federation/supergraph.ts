// The ways of others to make a supergraph and to serve it.
import { composeServices as composeAsApollo } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { composeServices as composeAsHive } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { type DocumentNode, parse, print, validate } from 'graphql';
import { onTestFinished, vi } from 'vitest';
import type { Answer } from '../support/gateway.ts';

type Service = { name: string; url: string; sdl: string };

/** A router: asks a query of a client's. */
export type Router = (query: string) => Promise<Answer>;

/** WunderGraph's in the shape of the others. */
function composeAsCosmo(subgraphs: readonly { name: string; url: string; typeDefs: DocumentNode }[]) {
  const definitions = subgraphs.map(({ typeDefs, ...rest }) => ({ ...rest, definitions: typeDefs }));
  const { success, errors, federatedGraphAST } = federateSubgraphs({ subgraphs: definitions, version: '1' });
  return success && federatedGraphAST ? { supergraphSdl: print(federatedGraphAST), errors } : { errors };
}

/** Composers, by the name of whose they are. */
export const COMPOSERS = { Apollo: composeAsApollo, 'The Guild': composeAsHive, WunderGraph: composeAsCosmo };
/** Routers, by name. */
export const ROUTERS = { 'Apollo Gateway': openApolloGateway, 'Hive Gateway': openHiveGateway };

/** The supergraph's SDL; throws with all that speaks against it. */
export function compose(composer: keyof typeof COMPOSERS, services: readonly Service[]): string {
  const definitions = services.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const composed: { supergraphSdl?: string; errors?: readonly unknown[] } = COMPOSERS[composer](definitions);
  const { supergraphSdl, errors } = composed;
  if (supergraphSdl === undefined) throw new AggregateError(errors ?? [], errors?.map(String).join('\n'));
  return supergraphSdl;
}

async function openApolloGateway(services: readonly Service[]): Promise<Router> {
  // It would export what it finds out about this machine.
  vi.stubEnv('APOLLO_TELEMETRY_DISABLED', 'true');
  const gateway = new ApolloGateway({
    supergraphSdl: compose('Apollo', services),
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource({ url, fetcher: (to, init) => fetch(to as string, init as RequestInit) }),
  });
  const { schema, executor } = await gateway.load();
  onTestFinished(() => gateway.stop());
  return async (query) => {
    const document = parse(query);
    const problems = validate(schema, document);
    if (problems.length > 0) throw new AggregateError(problems, problems.map(String).join('\n'));
    const request = { request: { query }, document, queryHash: query, context: {}, schema, metrics: {} };
    // What Apollo Server would add is of no use to the executor.
    const result = await executor(request as unknown as Parameters<typeof executor>[0]);
    return JSON.parse(JSON.stringify(result)) as Answer;
  };
}

async function openHiveGateway(services: readonly Service[]): Promise<Router> {
  const gateway = createGatewayRuntime({
    supergraph: compose('The Guild', services),
    logging: false,
    landingPage: false,
    graphiql: false,
    transports: {
      // In place of the package that the gateway would load by name.
      http: {
        getSubgraphExecutor:
          ({ fetch = globalThis.fetch, transportEntry: { location = '' } }) =>
          async (request) => {
            const { document, variables, context, info } = request;
            const body = JSON.stringify({ query: print(document), variables });
            const headers = { 'content-type': 'application/json' };
            return (await fetch(location, { method: 'POST', headers, body }, context, info)).json();
          },
      },
    },
  });
  onTestFinished(async () => gateway[Symbol.asyncDispose]());
  return async (query) => {
    const response = await gateway.fetch('http://router/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as Answer;
  };
}
